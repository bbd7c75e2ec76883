with loads as (

    select * from (
        values
            ('a', 1, 1, 'first'),
            ('a', 1, 3, 'latest'),
            ('a', 1, 2, 'second'),
            ('a', null, 1, 'key with a null'),
            ('a', null, 2, 'latest of a key with a null'),
            (null, null, 1, 'key of nulls'),
            ('b', 1, 5, 'tie, second line'),
            ('b', 1, 5, 'tie, first line'),
            ('c', 1, null, 'no time'),
            ('c', 1, 1, 'some time')
    ) as t (shop, order_id, load_id, note)

),

final as (
    {{ dataops.deduplicate('loads', ['shop', 'order_id'], ['load_id desc nulls last', 'note']) }}
)

select * from final
