{%- macro try_cast(expression, data_type) -%}
    {{ return(adapter.dispatch("try_cast", "dataops")(expression, data_type)) }}
{%- endmacro -%}

{#- A plain cast would stop at the first bad value: better no cast than one that breaks its promise. -#}
{%- macro default__try_cast(expression, data_type) -%}
    {{ exceptions.raise_compiler_error("dataops.try_cast does not know how " ~ target.type ~ " casts without an error. Write a macro " ~ target.type ~ "__try_cast(expression, data_type) and name your project in `dispatch`, or use dbt.safe_cast") }}
{%- endmacro -%}

{%- macro duckdb__try_cast(expression, data_type) -%}
    {{ return("try_cast(" ~ expression ~ " as " ~ data_type ~ ")") }}
{%- endmacro -%}

{#- Postgres 16 and later; an earlier one stops, and says that it has no pg_input_is_valid. -#}
{%- macro postgres__try_cast(expression, data_type) -%}
    {%- set text = "cast(" ~ expression ~ " as text)" -%}
    {{ return("case when pg_input_is_valid(" ~ text ~ ", '" ~ data_type | replace("'", "''") ~ "') then cast(" ~ text ~ " as " ~ data_type ~ ") end") }}
{%- endmacro -%}

{#- Redshift refuses to try an empty text. -#}
{%- macro redshift__try_cast(expression, data_type) -%}
    {{ return("try_cast(nullif(trim(cast(" ~ expression ~ " as varchar)), '') as " ~ data_type ~ ")") }}
{%- endmacro -%}

{#- Snowflake tries to cast texts only. -#}
{%- macro snowflake__try_cast(expression, data_type) -%}
    {{ return("try_cast(cast(" ~ expression ~ " as varchar) as " ~ data_type ~ ")") }}
{%- endmacro -%}

{%- macro bigquery__try_cast(expression, data_type) -%}
    {{ return("safe_cast(" ~ expression ~ " as " ~ data_type ~ ")") }}
{%- endmacro -%}

{%- macro spark__try_cast(expression, data_type) -%}
    {{ return("try_cast(" ~ expression ~ " as " ~ data_type ~ ")") }}
{%- endmacro -%}
