with judged as (

    select * from {{ ref('base_shop__payments') }}

),

final as (

    select
        payment_id,
        order_id,
        kind,
        method,
        amount,
        paid_at,
        loaded_at
    from judged
    where broken_rules is null

)

select * from final
