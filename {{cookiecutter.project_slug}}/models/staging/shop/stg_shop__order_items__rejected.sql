{{ dataops.rejected_rows(ref('base_shop__order_items'), keys=['order_item_id']) }}
