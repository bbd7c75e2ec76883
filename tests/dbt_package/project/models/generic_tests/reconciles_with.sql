select * from (
    values
        (date '2026-01-01', 'till', 10.00),
        (date '2026-01-02', 'till', 20.05),
        (date '2026-01-03', 'till', 30.00),
        (date '2026-01-04', 'till', null),
        (null, 'till', 5.00)
) as t (sold_on, channel, amount)
