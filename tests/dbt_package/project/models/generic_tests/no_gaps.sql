select * from (
    values
        ('a', 1, date '2026-01-30', timestamp '2026-01-31 23:59:00'),
        ('a', 2, date '2026-01-31', timestamp '2026-02-28 00:00:00'),
        ('a', 2, date '2026-02-01', timestamp '2026-03-31 12:00:00'),
        ('a', 5, date '2026-02-03', timestamp '2026-05-01 00:00:00'),
        ('a', null, null, null),
        ('b', 3, date '2026-02-02', timestamp '2026-04-15 00:00:00'),
        ('b', 4, date '2026-02-04', timestamp '2026-06-01 00:00:00'),
        (null, 10, date '2026-02-05', timestamp '2026-06-30 00:00:00'),
        (null, 12, date '2026-02-07', timestamp '2026-12-01 00:00:00')
) as t (shop, number, sold_on, sold_at)
