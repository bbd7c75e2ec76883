{%- macro database_name(custom_database_name, node, own_databases=[]) -%}
    {{ return(adapter.dispatch("database_name", "dataops")(custom_database_name, node, own_databases)) }}
{%- endmacro -%}

{%- macro default__database_name(custom_database_name, node, own_databases) -%}
    {%- if own_databases is string or own_databases is not iterable -%}
        {{ exceptions.raise_compiler_error("dataops.database_name: own_databases is a list, for example: ['monitoring']; got: " ~ own_databases) }}
    {%- endif -%}
    {%- set custom_database = (custom_database_name or "") | trim -%}
    {%- set is_allowed = dataops.environment() == "prod" or custom_database in own_databases -%}
    {#- dbt's own macro knows catalogs too. -#}
    {{ return(adapter.dispatch("generate_database_name", "dbt")(custom_database if custom_database and is_allowed else none, node)) }}
{%- endmacro -%}
