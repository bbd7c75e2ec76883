{% set names = {'dbt_valid_from': 'started_at', 'dbt_valid_to': 'ended_at', 'dbt_is_deleted': 'is_gone'} %}
{% set times = {
    'before the start': "cast('2025-12-31' as timestamp)",
    'first day': "cast('2026-01-01' as timestamp)",
    'just before the change': "cast('2026-01-01 23:59:59' as timestamp)",
    'moment of the change': "cast('2026-01-02' as timestamp)",
    'now': "cast('9000-01-01' as timestamp)",
} %}

{% for name, at in times.items() %}
select '{{ name }}' as moment, 'plain' as snapshot, product_id, price
from ({{ dataops.as_of(ref('catalogue_history'), at) }}) as plain
union all
select '{{ name }}' as moment, 'renamed' as snapshot, product_id, price
from ({{ dataops.as_of(ref('catalogue_history_renamed'), at, names, 'new_record') }}) as renamed
{{ "union all" if not loop.last }}
{% endfor %}
