with products as (

    select * from {{ ref('stg_shop__products') }}

),

items as (

    select * from {{ ref('stg_shop__order_items') }}

),

orders as (

    select * from {{ ref('orders') }}

),

sold as (

    select
        items.product_id,
        sum(items.quantity) as units_sold,
        sum(items.quantity * items.unit_price) as items_amount,
        count(distinct items.order_id) as order_count
    from items
    inner join orders on items.order_id = orders.order_id
    where orders.status <> 'cancelled'
    group by items.product_id

),

final as (

    select
        products.product_id,
        products.product_name,
        products.category,
        products.unit_price,
        cast(coalesce(sold.order_count, 0) as bigint) as order_count,
        cast(coalesce(sold.units_sold, 0) as bigint) as units_sold,
        cast(coalesce(sold.items_amount, 0.00) as decimal(18, 2)) as items_amount,
        {{ dataops.audit_columns() }}
    from products
    left join sold on products.product_id = sold.product_id

)

select * from final
