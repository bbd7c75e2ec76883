{%- set keys = {
    'customers': 'customer_id',
    'products': 'product_id',
    'orders': 'order_id',
    'order_items': 'order_item_id',
    'payments': 'payment_id',
} -%}
{%- set parents = {'orders': 'customers', 'order_items': 'orders', 'payments': 'orders'} -%}

with counts as (

    {% for name, key in keys.items() %}
    select
        'raw_{{ name }}' as raw_table,
        (select count(*) from {{ source('shop', 'raw_' ~ name) }}) as delivered_rows,
        (select count(distinct feed.{{ key }}) from {{ source('shop', 'raw_' ~ name) }} as feed) as distinct_rows,
        (select count(*) from {{ ref('stg_shop__' ~ name) }}) as staged_rows
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

orphans as (

    {% for name, parent in parents.items() %}
    select
        'raw_{{ name }}' as raw_table,
        count(*) as orphan_rows
    from {{ ref('stg_shop__' ~ name) }} as child
    left join {{ ref('stg_shop__' ~ parent) }} as parent
        on child.{{ keys[parent] }} = parent.{{ keys[parent] }}
    where parent.{{ keys[parent] }} is null
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

final as (

    select
        counts.raw_table,
        counts.delivered_rows,
        counts.delivered_rows - counts.distinct_rows as repeated_rows,
        counts.distinct_rows - counts.staged_rows as dropped_rows,
        coalesce(orphans.orphan_rows, 0) as orphan_rows,
        counts.staged_rows
    from counts
    left join orphans on counts.raw_table = orphans.raw_table

)

select * from final
