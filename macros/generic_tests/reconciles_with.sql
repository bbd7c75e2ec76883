{%- test reconciles_with(model, to, measure, to_measure=none, by=[], to_by=none, to_where=none, tolerance=0) -%}
    {{ return(adapter.dispatch("test_reconciles_with", "dataops")(model, to, measure, to_measure, by, to_by, to_where, tolerance)) }}
{%- endtest -%}

{%- macro default__test_reconciles_with(model, to, measure, to_measure, by, to_by, to_where, tolerance) -%}
    {%- set other_by = by if to_by is none else to_by -%}
    {%- if by is string or by is not iterable or other_by is string or other_by is not iterable or by | length != other_by | length -%}
        {{ exceptions.raise_compiler_error("dataops.reconciles_with: by and to_by are lists of as many columns, for example: by: [ordered_on]; got: by: " ~ by ~ ", to_by: " ~ to_by) }}
    {%- elif measure is not string or not measure -%}
        {{ exceptions.raise_compiler_error("dataops.reconciles_with needs a measure that adds up rows, for example: measure: sum(net_amount); got: " ~ measure) }}
    {%- elif tolerance is not number or tolerance is boolean or tolerance < 0 -%}
        {{ exceptions.raise_compiler_error("dataops.reconciles_with: tolerance is a number, 0 or more, in the unit of the measure; got: " ~ tolerance) }}
    {%- endif -%}
    {%- set group = by | join(", ") ~ ", " if by else "" %}

with own as (

    select
        {{ group }}'own' as side,
        {{ measure }} as measured
    from {{ model }}
    {%- if by %}
    group by {{ by | join(", ") }}
    {%- endif %}

),

other as (

    select
        {% for column in other_by %}{{ column }} as {{ by[loop.index0] }}, {% endfor %}'other' as side,
        {{ to_measure or measure }} as measured
    from {{ to }}
    {%- if to_where %}
    where {{ to_where }}
    {%- endif %}
    {%- if other_by %}
    group by {{ other_by | join(", ") }}
    {%- endif %}

),

-- Put under each other and not joined: a group that is null, or on one side only, is compared like any other.
sides as (

    select {{ group }}side, measured from own
    union all
    select {{ group }}side, measured from other

),

compared as (

    select
        {{ group }}max(case when side = 'own' then measured end) as own_value,
        max(case when side = 'other' then measured end) as other_value,
        count(*) as number_of_sides
    from sides
    {%- if by %}
    group by {{ by | join(", ") }}
    {%- endif %}

)

select
    {{ group }}own_value,
    other_value,
    own_value - other_value as difference
from compared
where
    number_of_sides < 2
    or (own_value is null and other_value is not null)
    or (own_value is not null and other_value is null)
    or abs(own_value - other_value) > {{ tolerance }}
{%- endmacro -%}
