with judged as (

    select * from {{ ref('base_shop__order_items') }}

),

final as (

    select
        order_item_id,
        order_id,
        product_id,
        quantity,
        unit_price,
        loaded_at
    from judged
    where broken_rules is null

)

select * from final
