with judged as (

    select * from {{ ref('base_shop__orders') }}

),

final as (

    select
        order_id,
        customer_id,
        status,
        channel,
        ordered_at,
        loaded_at
    from judged
    where broken_rules is null

)

select * from final
