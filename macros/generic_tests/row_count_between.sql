{%- test row_count_between(model, min_value=none, max_value=none) -%}
    {{ return(adapter.dispatch("test_row_count_between", "dataops")(model, min_value, max_value)) }}
{%- endtest -%}

{%- macro default__test_row_count_between(model, min_value, max_value) -%}
    {%- set bounds = [min_value, max_value] | reject("none") | list -%}
    {%- if not bounds or bounds | reject("integer") | list -%}
        {{ exceptions.raise_compiler_error("dataops.row_count_between needs whole numbers, at least one, for example: min_value: 1; got: min_value: " ~ min_value ~ ", max_value: " ~ max_value) }}
    {%- elif bounds | length == 2 and min_value > max_value -%}
        {{ exceptions.raise_compiler_error("dataops.row_count_between: no table has from " ~ min_value ~ " to " ~ max_value ~ " rows. Swap min_value and max_value") }}
    {%- endif %}

with counted as (

    select count(*) as row_count
    from {{ model }}

)

select
    row_count,
    {{ "cast(null as " ~ dbt.type_bigint() ~ ")" if min_value is none else min_value }} as min_value,
    {{ "cast(null as " ~ dbt.type_bigint() ~ ")" if max_value is none else max_value }} as max_value
from counted
where
    {% if min_value is not none %}row_count < {{ min_value }}{% endif -%}
    {{ " or " if bounds | length == 2 }}
    {%- if max_value is not none %}row_count > {{ max_value }}{% endif %}
{%- endmacro -%}
