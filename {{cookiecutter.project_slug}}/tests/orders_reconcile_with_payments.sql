-- The amounts of each order in the mart are the sums of its payments and refunds, to the cent.
-- Returns the orders whose amounts differ from what was paid.
with orders as (

    select * from {{ ref('orders') }}

),

payments as (

    select
        order_id,
        sum(case when kind = 'refund' then -1 * amount else amount end) as net_amount
    from {{ ref('stg_shop__payments') }}
    group by order_id

),

final as (

    select
        orders.order_id,
        orders.net_amount,
        payments.net_amount as payments_amount
    from orders
    inner join payments on orders.order_id = payments.order_id
    where orders.net_amount <> payments.net_amount

)

select * from final
