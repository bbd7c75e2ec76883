{%- test reconciles_with(model, compare_model, expression, compare_expression=none, group_by_columns=[], compare_group_by_columns=none, compare_where=none, tolerance=0) -%}
    {{ return(adapter.dispatch("test_reconciles_with", "dataops")(model, compare_model, expression, compare_expression, group_by_columns, compare_group_by_columns, compare_where, tolerance)) }}
{%- endtest -%}

{%- macro default__test_reconciles_with(model, compare_model, expression, compare_expression, group_by_columns, compare_group_by_columns, compare_where, tolerance) -%}
    {%- set compare_columns = group_by_columns if compare_group_by_columns is none else compare_group_by_columns -%}
    {%- if group_by_columns is string or group_by_columns is not iterable or compare_columns is string or compare_columns is not iterable or group_by_columns | length != compare_columns | length -%}
        {{ exceptions.raise_compiler_error("dataops.reconciles_with: group_by_columns and compare_group_by_columns must be lists of the same length, for example: group_by_columns: [ordered_on]; got: group_by_columns: " ~ group_by_columns ~ ", compare_group_by_columns: " ~ compare_group_by_columns) }}
    {%- elif expression is not string or not expression -%}
        {{ exceptions.raise_compiler_error("dataops.reconciles_with needs an expression that aggregates rows, for example: expression: sum(net_amount); got: " ~ expression) }}
    {%- elif tolerance is not number or tolerance is boolean or tolerance < 0 -%}
        {{ exceptions.raise_compiler_error("dataops.reconciles_with: tolerance must be a number, 0 or more, in the unit of the expression; got: " ~ tolerance) }}
    {%- endif -%}
    {%- set group = group_by_columns | join(", ") ~ ", " if group_by_columns else "" %}

with own as (

    select
        {{ group }}'own' as origin,
        {{ expression }} as measured
    from {{ model }}
    {%- if group_by_columns %}
    group by {{ group_by_columns | join(", ") }}
    {%- endif %}

),

other as (

    select
        {% for column in compare_columns %}{{ column }} as {{ group_by_columns[loop.index0] }}, {% endfor %}'other' as origin,
        {{ compare_expression or expression }} as measured
    from {{ compare_model }}
    {%- if compare_where %}
    where {{ compare_where }}
    {%- endif %}
    {%- if compare_columns %}
    group by {{ compare_columns | join(", ") }}
    {%- endif %}

),

-- A union and not a join, so that a group that is null, or in one relation only, is compared like any other.
combined as (

    select {{ group }}origin, measured from own
    union all
    select {{ group }}origin, measured from other

),

compared as (

    select
        {{ group }}max(case when origin = 'own' then measured end) as own_value,
        max(case when origin = 'other' then measured end) as other_value,
        count(*) as number_of_origins
    from combined
    {%- if group_by_columns %}
    group by {{ group_by_columns | join(", ") }}
    {%- endif %}

)

select
    {{ group }}own_value,
    other_value,
    own_value - other_value as difference
from compared
where
    number_of_origins < 2
    or (own_value is null and other_value is not null)
    or (own_value is not null and other_value is null)
    or abs(own_value - other_value) > {{ tolerance }}
{%- endmacro -%}
