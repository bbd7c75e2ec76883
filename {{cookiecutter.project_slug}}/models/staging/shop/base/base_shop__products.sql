-- In the sample, the raw table is a seed, which dbt must load first.
-- depends_on: {{ ref('raw_products') }}

{%- set rules = [
    {
        'name': 'readable_key',
        'condition': 'product_id is not null',
        'message': 'The product has no number that can be read.',
    },
    {
        'name': 'has_a_name',
        'condition': 'product_name is not null',
        'message': 'The product has no name.',
    },
    {
        'name': 'readable_price',
        'condition': 'unit_price >= 0',
        'message': 'The price cannot be read, or is negative.',
    },
    {
        'name': 'has_a_category',
        'condition': 'category is not null',
        'message': 'The product has no category.',
    },
    {
        'name': 'readable_load_time',
        'condition': 'loaded_at is not null',
        'message': 'The load time is missing, or cannot be read.',
    },
    {
        'name': 'newest_delivery',
        'condition': 'product_id is null or delivery = 1',
        'message': 'The product was delivered again; its newest delivery counts.',
    },
] %}

with source as (

    select * from {{ source('shop', 'raw_products') }}

),

renamed as (

    select
        {{ dataops.try_cast('product_id', 'bigint') }} as product_id,
        nullif({{ dataops.trim('name') }}, '') as product_name,
        nullif({{ dataops.trim('category') }}, '') as category,
        {{ dataops.try_cast('unit_price', 'decimal(18, 2)') }} as unit_price,
        {{ dataops.try_cast('_loaded_at', 'timestamp') }} as loaded_at,
        {{ dataops.raw_row('source') }} as raw_row
    from source

),

numbered as (

    select
        *,
        row_number() over (partition by product_id order by loaded_at desc nulls last) as delivery
    from renamed

),

final as (

    select
        product_id,
        product_name,
        category,
        unit_price,
        loaded_at,
        {{ dataops.quarantine_columns(rules) }}
    from numbered

)

select * from final
