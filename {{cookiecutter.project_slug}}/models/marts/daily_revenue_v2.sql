with orders as (

    select * from {{ ref('orders') }}

),

by_day as (

    select
        ordered_on,
        sum(case when status <> 'cancelled' then 1 else 0 end) as order_count,
        sum(case when is_first_order then 1 else 0 end) as new_customer_count,
        sum(paid_amount) as paid_amount,
        sum(refunded_amount) as refunded_amount,
        sum(net_amount) as net_amount
    from orders
    group by ordered_on

),

final as (

    select
        ordered_on,
        cast(order_count as bigint) as order_count,
        cast(new_customer_count as bigint) as new_customer_count,
        cast(paid_amount as decimal(18, 2)) as paid_amount,
        cast(refunded_amount as decimal(18, 2)) as refunded_amount,
        cast(net_amount as decimal(18, 2)) as net_amount,
        {{ dataops.audit_columns() }}
    from by_day

)

select * from final
