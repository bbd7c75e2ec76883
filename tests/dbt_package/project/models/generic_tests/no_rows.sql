select
    cast(1 as bigint) as id,
    cast(1 as decimal(18, 2)) as amount,
    cast('a' as varchar) as code,
    cast('2026-01-01' as date) as valid_from,
    cast('2026-01-01' as date) as valid_to
where 1 = 0
