{{ dataops.rejected_rows(ref('base_shop__customers'), keys=['customer_id']) }}
