{%- test no_gaps(model, column_name, period=none, step=none, group_by_columns=[]) -%}
    {{ return(adapter.dispatch("test_no_gaps", "dataops")(model, column_name, period, step, group_by_columns)) }}
{%- endtest -%}

{%- macro default__test_no_gaps(model, column_name, period, step, group_by_columns) -%}
    {%- set periods = ["hour", "day", "week", "month", "quarter", "year"] -%}
    {%- if period is not none and period not in periods -%}
        {{ exceptions.raise_compiler_error("dataops.no_gaps: period must be one of " ~ periods | join(", ") ~ ". Leave it out for a column of numbers; got: " ~ period) }}
    {%- elif period is not none and step is not none -%}
        {{ exceptions.raise_compiler_error("dataops.no_gaps takes a period (for dates) or a step (for numbers), not both; got: period=" ~ period ~ ", step=" ~ step) }}
    {%- elif step is not none and (step is not number or step is boolean or step <= 0) -%}
        {{ exceptions.raise_compiler_error("dataops.no_gaps: step must be a number above 0, for example: step: 1; got: " ~ step) }}
    {%- elif group_by_columns is string or group_by_columns is not iterable -%}
        {{ exceptions.raise_compiler_error("dataops.no_gaps: group_by_columns must be a list of columns, for example: group_by_columns: [shop_id]; got: " ~ group_by_columns) }}
    {%- endif -%}
    {%- set group = group_by_columns | join(", ") ~ ", " if group_by_columns else "" -%}
    {%- set partition = "partition by " ~ group_by_columns | join(", ") ~ " " if group_by_columns else "" -%}
    {#- Compare whole periods, so that 31 January and 28 February are one month apart, at any time of day. -#}
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
