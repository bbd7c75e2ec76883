with orders as (

    select * from {{ ref('stg_shop__orders') }}
    where {{ dataops.recent_rows(ref('stg_shop__orders'), 'loaded_at') }}

),

items as (

    select * from {{ ref('int_order_items__by_order') }}

),

payments as (

    select * from {{ ref('int_payments__by_order') }}

),

joined as (

    select
        orders.order_id,
        orders.customer_id,
        orders.status,
        orders.channel,
        orders.ordered_at,
        cast(orders.ordered_at as date) as ordered_on,
        coalesce(items.item_count, 0) as item_count,
        coalesce(items.items_amount, 0.00) as items_amount,
        coalesce(payments.paid_amount, 0.00) as paid_amount,
        coalesce(payments.refunded_amount, 0.00) as refunded_amount,
        -- An order changes when the order, one of its lines or a payment arrives: take the latest.
        greatest(
            orders.loaded_at,
            coalesce(items.loaded_at, orders.loaded_at),
            coalesce(payments.loaded_at, orders.loaded_at)
        ) as loaded_at
    from orders
    left join items on orders.order_id = items.order_id
    left join payments on orders.order_id = payments.order_id

),

final as (

    select
        *,
        paid_amount - refunded_amount as net_amount
    from joined

)

select * from final
