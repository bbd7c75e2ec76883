{#- Engines disagree on texts such as '12.5' and '1e3' as a whole number, or 'yesterday' and '20260102' as a time. A text must
    have the shape of its type before the engine's own cast sees it. -#}
{%- macro try_cast(expression, data_type) -%}
    {%- set type_name = (data_type | lower).split("(")[0] | trim -%}
    {%- set shape = none -%}
    {%- if type_name in ("tinyint", "smallint", "int", "integer", "bigint", "hugeint", "int2", "int4", "int8", "int64", "long") -%}
        {%- set shape = "^ *[+-]?[0-9]+ *$" -%}
    {%- elif type_name in ("decimal", "numeric", "number", "bignumeric") -%}
        {%- set shape = "^ *[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+) *$" -%}
    {%- elif type_name in ("date", "datetime") or type_name.startswith("timestamp") -%}
        {%- set shape = "^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([ T][0-9]|$)" -%}
    {%- endif -%}
    {%- set cast = adapter.dispatch("try_cast", "dataops")(expression, data_type) -%}
    {%- if shape is none -%}
        {{ return(cast) }}
    {%- endif -%}
    {%- set text = "cast(" ~ expression ~ " as " ~ dbt.type_string() ~ ")" -%}
    {{ return("case when " ~ dataops.matches(text, shape) ~ " then " ~ cast ~ " end") }}
{%- endmacro -%}

{#- A plain cast would stop at the first bad value, so an unknown engine is an error. -#}
{%- macro default__try_cast(expression, data_type) -%}
    {{ exceptions.raise_compiler_error("dataops.try_cast does not know how " ~ target.type ~ " casts without an error. Write a macro " ~ target.type ~ "__try_cast(expression, data_type) and name your project in `dispatch`, or use dbt.safe_cast") }}
{%- endmacro -%}

{%- macro duckdb__try_cast(expression, data_type) -%}
    {{ return("try_cast(" ~ expression ~ " as " ~ data_type ~ ")") }}
{%- endmacro -%}

{#- Needs Postgres 16, which has pg_input_is_valid. The cast is outside of the case: Postgres evaluates a constant branch
    while it plans, whatever the condition says. -#}
{%- macro postgres__try_cast(expression, data_type) -%}
    {%- set text = "cast(" ~ expression ~ " as text)" -%}
    {{ return("cast(case when pg_input_is_valid(" ~ text ~ ", '" ~ data_type | replace("'", "''") ~ "') then " ~ text ~ " end as " ~ data_type ~ ")") }}
{%- endmacro -%}

{#- On Redshift an empty text is an error. -#}
{%- macro redshift__try_cast(expression, data_type) -%}
    {{ return("try_cast(nullif(trim(cast(" ~ expression ~ " as varchar)), '') as " ~ data_type ~ ")") }}
{%- endmacro -%}

{#- On Snowflake try_cast takes texts only. -#}
{%- macro snowflake__try_cast(expression, data_type) -%}
    {{ return("try_cast(cast(" ~ expression ~ " as varchar) as " ~ data_type ~ ")") }}
{%- endmacro -%}

{%- macro bigquery__try_cast(expression, data_type) -%}
    {{ return("safe_cast(" ~ expression ~ " as " ~ data_type ~ ")") }}
{%- endmacro -%}

{%- macro spark__try_cast(expression, data_type) -%}
    {{ return("try_cast(" ~ expression ~ " as " ~ data_type ~ ")") }}
{%- endmacro -%}
