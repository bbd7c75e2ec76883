{%- test rejected_share_below(model, rejected, warn_above=none, fail_above=none) -%}
    {#- One row for each limit that is exceeded: one row warns, two fail. -#}
    {%- if warn_above is not none and fail_above is not none -%}
        {{ config(error_if="> 1") }}
    {%- elif warn_above is not none -%}
        {{ config(severity="warn") }}
    {%- endif -%}
    {{ return(adapter.dispatch("test_rejected_share_below", "dataops")(model, rejected, warn_above, fail_above)) }}
{%- endtest -%}

{%- macro default__test_rejected_share_below(model, rejected, warn_above, fail_above) -%}
    {%- set given = [warn_above, fail_above] | reject("none") | list -%}
    {%- for limit in given -%}
        {%- if limit is not number or limit is boolean or limit < 0 or limit >= 1 -%}
            {{ exceptions.raise_compiler_error("dataops.rejected_share_below: a limit must be a share of all rows, from 0 to less than 1, for example 0.05; got: " ~ limit) }}
        {%- endif -%}
    {%- endfor -%}
    {%- if not given -%}
        {{ exceptions.raise_compiler_error("dataops.rejected_share_below needs warn_above, fail_above or both, for example: fail_above: 0.05") }}
    {%- elif given | length == 2 and warn_above >= fail_above -%}
        {{ exceptions.raise_compiler_error("dataops.rejected_share_below warns first and then fails, so warn_above must be less than fail_above; got: warn_above: " ~ warn_above ~ ", fail_above: " ~ fail_above) }}
    {%- endif -%}
    {%- set where = config.get("where", "") %}

with counted as (

    select
        (select count(*) from {{ model }}) as clean_rows,
        (select count(*) from {{ rejected }}{{ " where " ~ where if where }}) as rejected_rows

),

limits as (

    {% for name, limit in [("warn_above", warn_above), ("fail_above", fail_above)] if limit is not none -%}
    select
        '{{ name }}' as limit_name,
        {{ limit }} as limit_share
    {{ "union all" if not loop.last }}
    {% endfor %}
),

compared as (

    select
        limits.limit_name,
        limits.limit_share,
        counted.rejected_rows,
        counted.rejected_rows + counted.clean_rows as all_rows
    from counted
    cross join limits

)

select
    limit_name,
    limit_share,
    rejected_rows,
    all_rows
from compared
where rejected_rows > limit_share * all_rows
{%- endmacro -%}
