-- A run checks only the keys that have new rows or rows in quarantine.
{%- set key = "coalesce(cast(" ~ dataops.try_cast('order_id', 'bigint') ~ " as varchar), 'no key')" %}
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='checked_key',
    pre_hook="{{ dataops.delete_missing_keys(source('shop', 'raw_orders'), \"" ~ key ~ "\") }}",
) }}
{%- set rules = [
    {'name': 'readable_key', 'condition': 'order_id is not null', 'message': 'The order has no number that can be read.'},
    {'name': 'positive_amount', 'condition': 'amount > 0', 'message': "The order's amount cannot be read, or is not positive."},
    {'name': 'newest_delivery', 'condition': 'order_id is null or delivery = 1', 'message': 'The order was delivered again.'},
] %}

with source as (

    select * from {{ source('shop', 'raw_orders') }}
    where {{ dataops.incremental_scope(source('shop', 'raw_orders'), key, '_loaded_at', days_late=1) }}

),

renamed as (

    select
        row_id,
        {{ key }} as checked_key,
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
    checked_key,
    order_id,
    amount,
    loaded_at,
    {{ dataops.quarantine_columns(rules) }}
from numbered
