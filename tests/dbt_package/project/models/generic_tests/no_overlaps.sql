-- 1 is right, with an interval that holds no time in the middle. 2 has a long interval that two others fall into. 3 has
-- two open ends, 4 two open starts, 5 an interval turned round. A null key is a key.
select * from (
    values
        (1, date '2026-01-01', date '2026-02-01'),
        (1, date '2026-02-01', date '2026-02-01'),
        (1, date '2026-02-01', date '2026-03-01'),
        (1, date '2026-03-01', null),
        (2, date '2026-01-01', date '2026-12-31'),
        (2, date '2026-02-01', date '2026-02-10'),
        (2, date '2026-03-01', date '2026-03-10'),
        (3, date '2026-01-01', null),
        (3, date '2026-02-01', null),
        (4, null, date '2026-01-01'),
        (4, null, date '2026-02-01'),
        (4, date '2026-02-01', null),
        (5, date '2026-03-01', date '2026-01-01'),
        (5, date '2026-02-01', date '2026-02-15'),
        (null, date '2026-01-01', date '2026-01-03'),
        (null, date '2026-01-02', date '2026-01-04')
) as t (product_id, valid_from, valid_to)
