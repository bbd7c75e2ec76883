{{ dataops.rejected_rows(ref('base_shop__products'), keys=['product_id']) }}
