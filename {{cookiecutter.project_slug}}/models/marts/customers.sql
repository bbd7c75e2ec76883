with customers as (

    select * from {{ ref('stg_shop__customers') }}

),

orders as (

    select * from {{ ref('orders') }}

),

orders_by_customer as (

    select
        customer_id,
        sum(case when status <> 'cancelled' then 1 else 0 end) as order_count,
        sum(net_amount) as net_amount,
        min(case when is_first_order then ordered_at end) as first_order_at,
        max(case when status <> 'cancelled' then ordered_at end) as latest_order_at
    from orders
    group by customer_id

),

final as (

    select
        customers.customer_id,
        customers.customer_name,
        customers.email,
        customers.city,
        cast(coalesce(orders_by_customer.order_count, 0) as bigint) as order_count,
        cast(coalesce(orders_by_customer.net_amount, 0.00) as decimal(18, 2)) as net_amount,
        customers.signed_up_at,
        orders_by_customer.first_order_at,
        orders_by_customer.latest_order_at,
        {{ dataops.audit_columns() }}
    from customers
    left join orders_by_customer on customers.customer_id = orders_by_customer.customer_id

)

select * from final
