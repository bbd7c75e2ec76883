with items as (

    select * from {{ ref('stg_shop__order_items') }}

),

final as (

    select
        order_id,
        sum(quantity) as item_count,
        cast(sum(quantity * unit_price) as decimal(18, 2)) as items_amount,
        max(loaded_at) as loaded_at
    from items
    where order_id is not null
    group by order_id

)

select * from final
