select
    row_id,
    {{ dataops.matches('code', '^[A-Z]+-\\d{2}$') }} as is_code,
    {{ dataops.matches('code', "it's") }} as has_quote
from (
    values
        (1, 'SPRING-26'),
        (2, 'spring-26'),
        (3, 'that is it''s way'),
        (4, null)
) as t (row_id, code)
