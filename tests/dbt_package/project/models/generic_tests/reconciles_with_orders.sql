select * from (
    values
        (timestamp '2026-01-01 09:00:00', 'placed', 4.00),
        (timestamp '2026-01-01 18:00:00', 'placed', 6.00),
        (timestamp '2026-01-01 18:00:00', 'cancelled', 99.00),
        (timestamp '2026-01-02 09:00:00', 'placed', 20.00),
        (timestamp '2026-01-04 09:00:00', 'placed', 0.00),
        (timestamp '2026-01-05 09:00:00', 'placed', 7.00),
        (null, 'placed', 5.00)
) as t (ordered_at, status, price)
