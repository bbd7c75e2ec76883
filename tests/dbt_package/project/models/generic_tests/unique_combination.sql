select * from (
    values
        ('a', 1, 'x'),
        ('a', 1, 'y'),
        ('a', 1, 'z'),
        ('a', 2, 'x'),
        ('b', 1, 'x'),
        (null, 1, 'x'),
        (null, 1, 'y'),
        (null, 2, 'x'),
        ('a', null, 'x')
) as t (shop, line, note)
