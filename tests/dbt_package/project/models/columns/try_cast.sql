-- The same texts for every type: some can be read as it, some cannot.
{% set types = {'date': 'date', 'timestamp': 'timestamp', 'amount': 'decimal(5, 2)', 'number': 'bigint', 'flag': 'boolean'} %}

select
    typed_text,
    {% for name, type in types.items() -%}
    {{ dataops.try_cast('typed_text', type) }} as as_{{ name }}{{ "," if not loop.last }}
    {% endfor %}
from (
    values
        ('2026-02-28'),
        ('12.50'),
        ('7'),
        ('true'),
        (null)
) as t (typed_text)
