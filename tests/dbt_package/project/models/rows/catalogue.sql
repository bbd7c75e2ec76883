-- A catalogue that changes from day to day: what each snapshot sees.
{% set day = env_var('CATALOGUE_DAY', '1') | int %}

select 1 as product_id, 1.00 as price, timestamp '2026-01-01 00:00:00' as changed_at
{% if day == 1 %}
union all
select 2, 2.00, timestamp '2026-01-01 00:00:00'
{% elif day >= 2 %}
union all
select 2, 2.50, timestamp '2026-01-02 00:00:00'
{% endif %}
{% if day < 3 %}
union all
select 3, 3.00, timestamp '2026-01-01 00:00:00'
{% endif %}
