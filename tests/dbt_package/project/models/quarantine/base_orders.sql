-- Every run checks every row.
{{ config(materialized='table') }}
{%- set rules = [
    {'name': 'readable_key', 'condition': 'order_id is not null', 'message': 'The order has no number that can be read.'},
    {'name': 'positive_amount', 'condition': 'amount > 0', 'message': "The order's amount cannot be read, or is not positive."},
    {'name': 'newest_delivery', 'condition': 'order_id is null or delivery = 1', 'message': 'The order was delivered again.'},
] %}

with source as (

    select * from {{ source('shop', 'raw_orders') }}

),

renamed as (

    select
        row_id,
        {{ dataops.try_cast('order_id', 'bigint') }} as order_id,
        {{ dataops.try_cast('amount', 'decimal(18, 2)') }} as amount,
        _loaded_at as loaded_at,
        {{ dataops.raw_row('source') }} as raw_row
    from source

),

numbered as (

    select
        *,
        row_number() over (partition by order_id order by loaded_at desc, row_id) as delivery
    from renamed

)

select
    row_id,
    order_id,
    amount,
    loaded_at,
    {{ dataops.quarantine_columns(rules) }}
from numbered
