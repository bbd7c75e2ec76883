{{ dataops.rejected_rows(ref('base_orders'), keys=['row_id', 'order_id']) }}
