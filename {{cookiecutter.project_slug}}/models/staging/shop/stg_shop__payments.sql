-- The raw table is a seed in the sample, and dbt must load it first.
-- depends_on: {{ ref('raw_payments') }}

with source as (

    select * from {{ source('shop', 'raw_payments') }}

),

renamed as (

    select
        {{ dataops.try_cast('payment_id', 'bigint') }} as payment_id,
        {{ dataops.try_cast('order_id', 'bigint') }} as order_id,
        lower(trim(kind)) as kind,
        lower(trim(method)) as method,
        {{ dataops.try_cast('amount', 'decimal(18, 2)') }} as amount,
        {{ dataops.try_cast('paid_at', 'timestamp') }} as paid_at,
        _loaded_at as loaded_at
    from source

),

numbered as (

    select
        *,
        row_number() over (partition by payment_id order by loaded_at desc) as delivery
    from renamed

),

final as (

    select
        payment_id,
        order_id,
        kind,
        method,
        amount,
        paid_at,
        loaded_at
    from numbered
    where
        delivery = 1
        and payment_id is not null
        and amount >= 0

)

select * from final
