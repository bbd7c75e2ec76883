select * from (
    values
        (1, -0.01, date '2025-12-31'),
        (2, 0.00, date '2026-01-01'),
        (3, 50.00, date '2026-06-30'),
        (4, 100.00, date '2026-12-31'),
        (5, 100.01, date '2027-01-01'),
        (6, null, null)
) as t (row_id, amount, sold_on)
