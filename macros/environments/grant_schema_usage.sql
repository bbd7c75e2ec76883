{%- macro grant_schema_usage(schemas, roles) -%}
    {%- if roles is not mapping or roles.values() | select("string") | list -%}
        {{ exceptions.raise_compiler_error("dataops.grant_schema_usage needs a list of roles by target, for example: {'prod': ['reporting']}; got: " ~ roles) }}
    {%- endif -%}
    {{ return(adapter.dispatch("grant_schema_usage", "dataops")(schemas, roles.get(target.name) or [])) }}
{%- endmacro -%}

{%- macro default__grant_schema_usage(schemas, roles) -%}
    {%- for schema in schemas if roles %}
    grant usage on schema {{ api.Relation.create(schema=schema) }} to {{ roles | join(", ") }};
    {%- endfor %}
{%- endmacro -%}

{%- macro snowflake__grant_schema_usage(schemas, roles) -%}
    {%- for schema in schemas %}
        {%- for role in roles %}
    grant usage on schema {{ api.Relation.create(schema=schema) }} to role {{ role }};
        {%- endfor %}
    {%- endfor %}
{%- endmacro -%}

{%- macro databricks__grant_schema_usage(schemas, roles) -%}
    {%- for schema in schemas %}
        {%- for role in roles %}
    grant use schema on schema {{ api.Relation.create(schema=schema) }} to {{ role }};
        {%- endfor %}
    {%- endfor %}
{%- endmacro -%}

{#- DuckDB and Spark have no grants. -#}
{%- macro duckdb__grant_schema_usage(schemas, roles) -%}
{%- endmacro -%}

{%- macro spark__grant_schema_usage(schemas, roles) -%}
{%- endmacro -%}

{#- On BigQuery who may read a table needs no right on its dataset. -#}
{%- macro bigquery__grant_schema_usage(schemas, roles) -%}
{%- endmacro -%}
