with payments as (

    select * from {{ ref('stg_shop__payments') }}

),

final as (

    select
        order_id,
        cast(sum(case when kind = 'payment' then amount else 0.00 end) as decimal(18, 2)) as paid_amount,
        cast(sum(case when kind = 'refund' then amount else 0.00 end) as decimal(18, 2)) as refunded_amount,
        max(loaded_at) as loaded_at
    from payments
    where order_id is not null
    group by order_id

)

select * from final
