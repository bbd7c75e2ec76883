-- The raw table is a seed in the sample, and dbt must load it first.
-- depends_on: {{ ref('raw_products') }}

with source as (

    select * from {{ source('shop', 'raw_products') }}

),

renamed as (

    select
        {{ dataops.try_cast('product_id', 'bigint') }} as product_id,
        nullif(trim(name), '') as product_name,
        trim(category) as category,
        {{ dataops.try_cast('unit_price', 'decimal(18, 2)') }} as unit_price,
        _loaded_at as loaded_at
    from source

),

numbered as (

    select
        *,
        row_number() over (partition by product_id order by loaded_at desc) as delivery
    from renamed

),

final as (

    select
        product_id,
        product_name,
        category,
        unit_price,
        loaded_at
    from numbered
    where
        delivery = 1
        and product_id is not null
        and product_name is not null
        and unit_price >= 0

)

select * from final
