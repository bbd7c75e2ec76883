-- The days add up to the orders. Returns one row where they do not.
with orders as (

    select
        coalesce(sum(net_amount), 0.00) as net_amount,
        coalesce(sum(case when status <> 'cancelled' then 1 else 0 end), 0) as order_count
    from {{ ref('orders') }}

),

days as (

    select
        coalesce(sum(net_amount), 0.00) as net_amount,
        coalesce(sum(order_count), 0) as order_count
    from {{ ref('daily_revenue') }}

),

final as (

    select
        orders.net_amount as orders_amount,
        days.net_amount as days_amount,
        orders.order_count,
        days.order_count as days_order_count
    from orders
    cross join days
    where
        orders.net_amount <> days.net_amount
        or orders.order_count <> days.order_count

)

select * from final
