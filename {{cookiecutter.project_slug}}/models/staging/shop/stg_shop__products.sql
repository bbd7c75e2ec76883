with judged as (

    select * from {{ ref('base_shop__products') }}

),

final as (

    select
        product_id,
        product_name,
        category,
        unit_price,
        loaded_at
    from judged
    where broken_rules is null

)

select * from final
