-- In the sample, the raw table is a seed, which dbt must load first.
-- depends_on: {{ ref('raw_orders') }}

{%- set rules = [
    {
        'name': 'readable_key',
        'condition': 'order_id is not null',
        'message': 'The order has no number that can be read.',
    },
    {
        'name': 'readable_date',
        'condition': 'ordered_at is not null',
        'message': 'The date of the order cannot be read.',
    },
    {
        'name': 'known_customer',
        'condition': 'customers.customer_id is not null',
        'message': 'The customer is not in the list of customers.',
    },
    {
        'name': 'known_status',
        'condition': "status in ('placed', 'completed', 'cancelled')",
        'message': 'The status is none of those that are known.',
    },
    {
        'name': 'known_channel',
        'condition': "channel is null or channel in ('till', 'online', 'phone')",
        'message': 'The channel is none of those that are known.',
    },
    {
        'name': 'readable_load_time',
        'condition': 'numbered.loaded_at is not null',
        'message': 'The load time is missing, or cannot be read.',
    },
    {
        'name': 'newest_delivery',
        'condition': 'order_id is null or delivery = 1',
        'message': 'The order was delivered again; its newest delivery counts.',
    },
] %}

with source as (

    select * from {{ source('shop', 'raw_orders') }}

),

customers as (

    select * from {{ ref('stg_shop__customers') }}

),

renamed as (

    select
        {{ dataops.try_cast('order_id', 'bigint') }} as order_id,
        {{ dataops.try_cast('customer_id', 'bigint') }} as customer_id,
        lower({{ dataops.trim('status') }}) as status,
        lower({{ dataops.trim('channel') }}) as channel,
        {{ dataops.try_cast('ordered_at', 'timestamp') }} as ordered_at,
        {{ dataops.try_cast('_loaded_at', 'timestamp') }} as loaded_at,
        {{ dataops.raw_row('source') }} as raw_row
    from source

),

-- A later load may correct an order.
numbered as (

    select
        *,
        row_number() over (partition by order_id order by loaded_at desc nulls last) as delivery
    from renamed

),

final as (

    select
        numbered.order_id,
        numbered.customer_id,
        numbered.status,
        numbered.channel,
        numbered.ordered_at,
        numbered.loaded_at,
        {{ dataops.quarantine_columns(rules) }}
    from numbered
    left join customers on numbered.customer_id = customers.customer_id

)

select * from final
