{%- test no_gaps(model, column_name, period=none, step=1, by=[]) -%}
    {{ return(adapter.dispatch("test_no_gaps", "dataops")(model, column_name, period, step, by)) }}
{%- endtest -%}

{%- macro default__test_no_gaps(model, column_name, period, step, by) -%}
    {%- set periods = ["hour", "day", "week", "month", "quarter", "year"] -%}
    {%- if period is not none and period not in periods -%}
        {{ exceptions.raise_compiler_error("dataops.no_gaps: period is one of " ~ periods | join(", ") ~ ", or left out for a column of numbers; got: " ~ period) }}
    {%- elif step is not number or step is boolean or step <= 0 or (period is not none and step is not integer) -%}
        {{ exceptions.raise_compiler_error("dataops.no_gaps: step is a number above 0, a whole one with a period, for example: step: 1; got: " ~ step) }}
    {%- elif by is string or by is not iterable -%}
        {{ exceptions.raise_compiler_error("dataops.no_gaps: by is a list of columns, for example: by: [shop_id]; got: " ~ by) }}
    {%- endif -%}
    {%- set group = by | join(", ") ~ ", " if by else "" -%}
    {%- set partition = "partition by " ~ by | join(", ") ~ " " if by else "" -%}
    {#- Periods are compared, not values: 31 January and 28 February are a month apart, and so is any time of each. -#}
    {%- if period is none -%}
        {%- set is_gap = "first_after > last_before + " ~ step -%}
    {%- else -%}
        {%- set is_gap = dbt.date_trunc(period, "first_after") ~ " > " ~ dbt.dateadd(period, step, dbt.date_trunc(period, "last_before")) -%}
    {%- endif %}

with series as (

    select distinct
        {{ group }}{{ column_name }} as last_before
    from {{ model }}
    where {{ column_name }} is not null

),

neighbours as (

    select
        {{ group }}last_before,
        lead(last_before) over ({{ partition }}order by last_before) as first_after
    from series

)

select
    {{ group }}last_before,
    first_after
from neighbours
where {{ is_gap }}
{%- endmacro -%}
