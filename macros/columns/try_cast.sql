{%- macro try_cast(expression, data_type) -%}
    {{ return(adapter.dispatch("try_cast", "dataops")(expression, data_type)) }}
{%- endmacro -%}

{#- dbt.safe_cast gives null on the engines whose adapter supplies it, and is a plain cast on the rest. -#}
{%- macro default__try_cast(expression, data_type) -%}
    {{ return(dbt.safe_cast(expression, data_type)) }}
{%- endmacro -%}

{%- macro duckdb__try_cast(expression, data_type) -%}
    {{ return("try_cast(" ~ expression ~ " as " ~ data_type ~ ")") }}
{%- endmacro -%}
