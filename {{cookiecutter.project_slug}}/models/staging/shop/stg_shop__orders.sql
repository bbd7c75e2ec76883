-- The raw table is a seed in the sample, and dbt must load it first.
-- depends_on: {{ ref('raw_orders') }}

with source as (

    select * from {{ source('shop', 'raw_orders') }}

),

renamed as (

    select
        {{ dataops.try_cast('order_id', 'bigint') }} as order_id,
        {{ dataops.try_cast('customer_id', 'bigint') }} as customer_id,
        lower(trim(status)) as status,
        lower(trim(channel)) as channel,
        {{ dataops.try_cast('ordered_at', 'timestamp') }} as ordered_at,
        _loaded_at as loaded_at
    from source

),

-- A later load may correct an order: its newest delivery counts.
numbered as (

    select
        *,
        row_number() over (partition by order_id order by loaded_at desc) as delivery
    from renamed

),

final as (

    select
        order_id,
        customer_id,
        status,
        channel,
        ordered_at,
        loaded_at
    from numbered
    where
        delivery = 1
        and order_id is not null
        and ordered_at is not null

)

select * from final
