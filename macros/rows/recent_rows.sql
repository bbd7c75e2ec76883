{%- macro recent_rows(relation, column, days=none) -%}
    {{ return(adapter.dispatch("recent_rows", "dataops")(relation, column, days)) }}
{%- endmacro -%}

{%- macro default__recent_rows(relation, column, days) -%}
    {%- set window = var("recent_days", 30) if days is none else days -%}
    {#- ci reads all rows, as prod does, because the two are compared. -#}
    {%- if dataops.environment() in ("prod", "ci") or window | int <= 0 -%}
        {{ return("1 = 1") }}
    {%- endif -%}
    {#- Counted back from the newest row, not from today: old sample data must not make dev empty. -#}
    {%- set newest = "(select max(newest_rows." ~ column ~ ") from " ~ relation ~ " as newest_rows)" -%}
    {{ return(column ~ " >= " ~ dbt.dateadd("day", -1 * (window | int), newest)) }}
{%- endmacro -%}
