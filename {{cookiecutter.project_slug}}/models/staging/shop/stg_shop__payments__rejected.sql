{{ dataops.rejected_rows(ref('base_shop__payments'), keys=['payment_id']) }}
