-- In the sample, the raw table is a seed, which dbt must load first.
-- depends_on: {{ ref('raw_order_items') }}

{%- set rules = [
    {
        'name': 'readable_key',
        'condition': 'order_item_id is not null',
        'message': 'The line has no number that can be read.',
    },
    {
        'name': 'positive_quantity',
        'condition': 'quantity > 0',
        'message': 'The quantity cannot be read, or is not positive.',
    },
    {
        'name': 'readable_price',
        'condition': 'numbered.unit_price >= 0',
        'message': 'The price cannot be read, or is negative.',
    },
    {
        'name': 'known_order',
        'condition': 'orders.order_id is not null',
        'message': 'The order does not exist, or was rejected itself.',
    },
    {
        'name': 'known_product',
        'condition': 'products.product_id is not null',
        'message': 'The product is not in the catalogue, or was rejected itself.',
    },
    {
        'name': 'readable_load_time',
        'condition': 'numbered.loaded_at is not null',
        'message': 'The load time is missing, or cannot be read.',
    },
    {
        'name': 'newest_delivery',
        'condition': 'order_item_id is null or delivery = 1',
        'message': 'The line was delivered again; its newest delivery counts.',
    },
] %}

with source as (

    select * from {{ source('shop', 'raw_order_items') }}

),

orders as (

    select * from {{ ref('stg_shop__orders') }}

),

products as (

    select * from {{ ref('stg_shop__products') }}

),

renamed as (

    select
        {{ dataops.try_cast('order_item_id', 'bigint') }} as order_item_id,
        {{ dataops.try_cast('order_id', 'bigint') }} as order_id,
        {{ dataops.try_cast('product_id', 'bigint') }} as product_id,
        {{ dataops.try_cast('quantity', 'bigint') }} as quantity,
        {{ dataops.try_cast('unit_price', 'decimal(18, 2)') }} as unit_price,
        {{ dataops.try_cast('_loaded_at', 'timestamp') }} as loaded_at,
        {{ dataops.raw_row('source') }} as raw_row
    from source

),

numbered as (

    select
        *,
        row_number() over (partition by order_item_id order by loaded_at desc nulls last) as delivery
    from renamed

),

final as (

    select
        numbered.order_item_id,
        numbered.order_id,
        numbered.product_id,
        numbered.quantity,
        numbered.unit_price,
        numbered.loaded_at,
        {{ dataops.quarantine_columns(rules) }}
    from numbered
    left join orders on numbered.order_id = orders.order_id
    left join products on numbered.product_id = products.product_id

)

select * from final
