{{ dataops.rejected_rows(ref('base_orders_by_load'), keys=['row_id', 'order_id']) }}
