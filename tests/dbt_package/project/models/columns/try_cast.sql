-- The same values for every type: some are readable as it, some are not.
{% set types = {'date': 'date', 'timestamp': 'timestamp', 'amount': 'decimal(5, 2)', 'number': 'bigint', 'flag': 'boolean'} %}

select
    typed_text,
    {% for name, type in types.items() -%}
    {{ dataops.try_cast('typed_text', type) }} as as_{{ name }}{{ "," if not loop.last }}
    {% endfor %}
from (
    values
        ('2026-02-28'),
        ('2026-02-30'),
        ('12.50'),
        ('12,50'),
        ('1234.5'),
        ('7'),
        ('true'),
        (''),
        (null)
) as t (typed_text)
