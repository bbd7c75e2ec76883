{%- test not_empty_since(model, column_name, days=none, hours=none) -%}
    {{ return(adapter.dispatch("test_not_empty_since", "dataops")(model, column_name, days, hours)) }}
{%- endtest -%}

{%- macro default__test_not_empty_since(model, column_name, days, hours) -%}
    {%- set spans = [days, hours] | reject("none") | list -%}
    {%- if spans | length != 1 or spans[0] is not integer or spans[0] < 0 -%}
        {{ exceptions.raise_compiler_error("dataops.not_empty_since needs either days or hours, a whole number, for example: days: 1; got: days: " ~ days ~ ", hours: " ~ hours) }}
    {%- endif -%}
    {#- The clock is that of the run: a test that starts an hour later asks for the same time. A day counts from its
        start, so that a date column and a load of the early morning are treated alike. -#}
    {%- if days is not none -%}
        {%- set since = (run_started_at - modules.datetime.timedelta(days=days)).strftime("%Y-%m-%d 00:00:00") -%}
    {%- else -%}
        {%- set since = (run_started_at - modules.datetime.timedelta(hours=hours)).strftime("%Y-%m-%d %H:%M:%S") -%}
    {%- endif %}

with newest as (

    select
        max({{ column_name }}) as newest_value,
        cast('{{ since }}' as {{ dbt.type_timestamp() }}) as expected_since
    from {{ model }}

)

select
    newest_value,
    expected_since
from newest
where newest_value is null or newest_value < expected_since
{%- endmacro -%}
