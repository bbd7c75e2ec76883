select
    row_id,
    order_id,
    amount,
    loaded_at
from {{ ref('base_orders_by_load') }}
where broken_rules is null
