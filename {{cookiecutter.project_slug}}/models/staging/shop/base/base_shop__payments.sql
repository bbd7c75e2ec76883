-- In the sample, the raw table is a seed, which dbt must load first.
-- depends_on: {{ ref('raw_payments') }}

{%- set rules = [
    {
        'name': 'readable_key',
        'condition': 'payment_id is not null',
        'message': 'The payment has no number that can be read.',
    },
    {
        'name': 'readable_amount',
        'condition': 'amount >= 0',
        'message': 'The amount cannot be read, or is negative.',
    },
    {
        'name': 'known_order',
        'condition': 'orders.order_id is not null',
        'message': 'The order does not exist, or was rejected itself.',
    },
    {
        'name': 'known_kind',
        'condition': "kind in ('payment', 'refund')",
        'message': 'The kind is none of those that are known.',
    },
    {
        'name': 'known_method',
        'condition': "method is null or method in ('card', 'cash', 'voucher')",
        'message': 'The method is none of those that are known.',
    },
    {
        'name': 'readable_load_time',
        'condition': 'numbered.loaded_at is not null',
        'message': 'The load time is missing, or cannot be read.',
    },
    {
        'name': 'newest_delivery',
        'condition': 'payment_id is null or delivery = 1',
        'message': 'The payment was delivered again; its newest delivery counts.',
    },
] %}

with source as (

    select * from {{ source('shop', 'raw_payments') }}

),

orders as (

    select * from {{ ref('stg_shop__orders') }}

),

renamed as (

    select
        {{ dataops.try_cast('payment_id', 'bigint') }} as payment_id,
        {{ dataops.try_cast('order_id', 'bigint') }} as order_id,
        lower({{ dataops.trim('kind') }}) as kind,
        lower({{ dataops.trim('method') }}) as method,
        {{ dataops.try_cast('amount', 'decimal(18, 2)') }} as amount,
        {{ dataops.try_cast('paid_at', 'timestamp') }} as paid_at,
        {{ dataops.try_cast('_loaded_at', 'timestamp') }} as loaded_at,
        {{ dataops.raw_row('source') }} as raw_row
    from source

),

numbered as (

    select
        *,
        row_number() over (partition by payment_id order by loaded_at desc nulls last) as delivery
    from renamed

),

final as (

    select
        numbered.payment_id,
        numbered.order_id,
        numbered.kind,
        numbered.method,
        numbered.amount,
        numbered.paid_at,
        numbered.loaded_at,
        {{ dataops.quarantine_columns(rules) }}
    from numbered
    left join orders on numbered.order_id = orders.order_id

)

select * from final
