{%- test no_gaps(model, column_name, period=none, step=none, by=[]) -%}
    {{ return(adapter.dispatch("test_no_gaps", "dataops")(model, column_name, period, step, by)) }}
{%- endtest -%}

{%- macro default__test_no_gaps(model, column_name, period, step, by) -%}
    {%- set periods = ["hour", "day", "week", "month", "quarter", "year"] -%}
    {%- if period is not none and period not in periods -%}
        {{ exceptions.raise_compiler_error("dataops.no_gaps: period is one of " ~ periods | join(", ") ~ ", or left out for a column of numbers; got: " ~ period) }}
    {%- elif period is not none and step is not none -%}
        {{ exceptions.raise_compiler_error("dataops.no_gaps takes a period, for dates, or a step, for numbers: with a period each " ~ period ~ " must have a value. Leave one of them out; got: period=" ~ period ~ ", step=" ~ step) }}
    {%- elif step is not none and (step is not number or step is boolean or step <= 0) -%}
        {{ exceptions.raise_compiler_error("dataops.no_gaps: step is a number above 0, for example: step: 1; got: " ~ step) }}
    {%- elif by is string or by is not iterable -%}
        {{ exceptions.raise_compiler_error("dataops.no_gaps: by is a list of columns, for example: by: [shop_id]; got: " ~ by) }}
    {%- endif -%}
    {%- set group = by | join(", ") ~ ", " if by else "" -%}
    {%- set partition = "partition by " ~ by | join(", ") ~ " " if by else "" -%}
    {#- Periods are compared, not values: 31 January and 28 February are a month apart, and so is any time of each. -#}
    {%- if period is none -%}
        {%- set is_gap = "first_after > last_before + " ~ (1 if step is none else step) -%}
    {%- else -%}
        {%- set is_gap = dbt.date_trunc(period, "first_after") ~ " > " ~ dbt.dateadd(period, 1, dbt.date_trunc(period, "last_before")) -%}
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
