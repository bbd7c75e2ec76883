-- In the sample, the raw table is a seed, which dbt must load first.
-- depends_on: {{ ref('raw_customers') }}

{%- set rules = [
    {
        'name': 'readable_key',
        'condition': 'customer_id is not null',
        'message': 'The customer has no number that can be read.',
    },
    {
        'name': 'readable_load_time',
        'condition': 'loaded_at is not null',
        'message': 'The load time is missing, or cannot be read.',
    },
    {
        'name': 'newest_delivery',
        'condition': 'customer_id is null or delivery = 1',
        'message': 'The customer was delivered again; its newest delivery counts.',
    },
] %}

with source as (

    select * from {{ source('shop', 'raw_customers') }}

),

renamed as (

    select
        {{ dataops.try_cast('customer_id', 'bigint') }} as customer_id,
        {{ dataops.trim('name') }} as customer_name,
        nullif(lower({{ dataops.trim('email') }}), '') as email,
        nullif({{ dataops.trim('city') }}, '') as city,
        {{ dataops.try_cast('signed_up_at', 'timestamp') }} as signed_up_at,
        {{ dataops.try_cast('_loaded_at', 'timestamp') }} as loaded_at,
        {{ dataops.raw_row('source') }} as raw_row
    from source

),

numbered as (

    select
        *,
        row_number() over (partition by customer_id order by loaded_at desc nulls last) as delivery
    from renamed

),

final as (

    select
        customer_id,
        customer_name,
        email,
        city,
        signed_up_at,
        loaded_at,
        {{ dataops.quarantine_columns(rules) }}
    from numbered

)

select * from final
