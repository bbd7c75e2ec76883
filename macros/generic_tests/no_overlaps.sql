{%- test no_overlaps(model, valid_from, valid_to, group_by_columns=[], inclusive=false) -%}
    {{ return(adapter.dispatch("test_no_overlaps", "dataops")(model, valid_from, valid_to, group_by_columns, inclusive)) }}
{%- endtest -%}

{%- macro default__test_no_overlaps(model, valid_from, valid_to, group_by_columns, inclusive) -%}
    {%- if group_by_columns is string or group_by_columns is not iterable -%}
        {{ exceptions.raise_compiler_error("dataops.no_overlaps: group_by_columns must be a list of columns, for example: group_by_columns: [product_id]; got: " ~ group_by_columns) }}
    {%- elif not valid_from or not valid_to or valid_from == valid_to -%}
        {{ exceptions.raise_compiler_error("dataops.no_overlaps needs two columns, for example: valid_from: dbt_valid_from, valid_to: dbt_valid_to; got: " ~ valid_from ~ ", " ~ valid_to) }}
    {%- endif -%}
    {%- set group = group_by_columns | join(", ") ~ ", " if group_by_columns else "" -%}
    {#- Engines sort nulls differently. Here an interval without a start comes first, and one without an end last. -#}
    {%- set earlier_ones -%}
        over (
            {{ "partition by " ~ group_by_columns | join(", ") if group_by_columns }}
            order by
                case when {{ valid_from }} is null then 0 else 1 end,
                {{ valid_from }},
                case when {{ valid_to }} is null then 1 else 0 end,
                {{ valid_to }}
            rows between unbounded preceding and 1 preceding
        )
    {%- endset %}

with intervals as (

    select
        {{ group }}{{ valid_from }},
        {{ valid_to }},
        case when {{ valid_from }} > {{ valid_to }} then 1 else 0 end as is_reversed
    from {{ model }}
    -- An interval that is over when it starts holds no time.
    {%- if not inclusive %}
    where {{ valid_from }} is null or {{ valid_to }} is null or {{ valid_from }} <> {{ valid_to }}
    {%- endif %}

),

compared as (

    select
        {{ group }}{{ valid_from }},
        {{ valid_to }},
        is_reversed,
        max(case when is_reversed = 0 then {{ valid_to }} end) {{ earlier_ones }} as earlier_valid_to,
        max(case when {{ valid_to }} is null then 1 else 0 end) {{ earlier_ones }} as earlier_is_open
    from intervals

)

select
    {{ group }}{{ valid_from }},
    {{ valid_to }},
    case when earlier_is_open = 1 then null else earlier_valid_to end as earlier_valid_to,
    case when is_reversed = 1 then 'ends before it starts' else 'starts before an earlier one ends' end as problem
from compared
where
    is_reversed = 1
    or earlier_is_open = 1
    or {{ valid_from }} {{ "<=" if inclusive else "<" }} earlier_valid_to
    or ({{ valid_from }} is null and earlier_valid_to is not null)
{%- endmacro -%}
