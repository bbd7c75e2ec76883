{{ config(
    materialized='incremental',
    unique_key='order_id',
    incremental_strategy='delete+insert',
    on_schema_change='fail',
    full_refresh=(true if dataops.environment() == 'dev' else none)
) }}

-- In dev, the window of orders moves (dataops.recent_rows). Orders from an earlier window would miss their later
-- refunds, so dev rebuilds the table each time.

with enriched as (

    select * from {{ ref('int_orders__enriched') }}

),

{% if is_incremental() %}

-- Reads the newest load again, in case it was not complete. If the table is empty, all rows are new.
newest_load as (

    select coalesce(max(loaded_at), cast('1900-01-01' as timestamp)) as loaded_at
    from {{ this }}

),

-- A late order can turn out to be a customer's first one, so this recomputes all orders of every customer
-- for whom anything arrived since then.
touched_customers as (

    select distinct enriched.customer_id
    from enriched
    cross join newest_load
    where enriched.loaded_at >= newest_load.loaded_at

),

{% endif %}

numbered as (

    select
        *,
        status = 'cancelled' as is_cancelled,
        row_number() over (partition by customer_id, status = 'cancelled' order by ordered_at, order_id) as order_number
    from enriched
    {% if is_incremental() %}
    where customer_id in (select touched_customers.customer_id from touched_customers)
    {% endif %}

),

final as (

    select
        order_id,
        customer_id,
        status,
        channel,
        cast(case when not is_cancelled then order_number end as bigint) as customer_order_number,
        (not is_cancelled and order_number = 1) as is_first_order,
        cast(item_count as bigint) as item_count,
        cast(items_amount as decimal(18, 2)) as items_amount,
        cast(paid_amount as decimal(18, 2)) as paid_amount,
        cast(refunded_amount as decimal(18, 2)) as refunded_amount,
        cast(net_amount as decimal(18, 2)) as net_amount,
        ordered_on,
        ordered_at,
        loaded_at,
        {{ dataops.audit_columns() }}
    from numbered

)

select * from final
