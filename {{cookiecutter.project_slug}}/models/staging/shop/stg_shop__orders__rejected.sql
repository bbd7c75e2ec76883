{{ dataops.rejected_rows(ref('base_shop__orders'), keys=['order_id']) }}
