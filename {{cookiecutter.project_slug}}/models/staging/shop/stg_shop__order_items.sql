-- The raw table is a seed in the sample, and dbt must load it first.
-- depends_on: {{ ref('raw_order_items') }}

with source as (

    select * from {{ source('shop', 'raw_order_items') }}

),

renamed as (

    select
        {{ dataops.try_cast('order_item_id', 'bigint') }} as order_item_id,
        {{ dataops.try_cast('order_id', 'bigint') }} as order_id,
        {{ dataops.try_cast('product_id', 'bigint') }} as product_id,
        {{ dataops.try_cast('quantity', 'bigint') }} as quantity,
        {{ dataops.try_cast('unit_price', 'decimal(18, 2)') }} as unit_price,
        _loaded_at as loaded_at
    from source

),

numbered as (

    select
        *,
        row_number() over (partition by order_item_id order by loaded_at desc) as delivery
    from renamed

),

final as (

    select
        order_item_id,
        order_id,
        product_id,
        quantity,
        unit_price,
        loaded_at
    from numbered
    where
        delivery = 1
        and order_item_id is not null
        and quantity > 0
        and unit_price >= 0

)

select * from final
