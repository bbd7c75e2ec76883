{%- macro schema_name(custom_schema_name, node) -%}
    {{ return(adapter.dispatch("schema_name", "dataops")(custom_schema_name, node)) }}
{%- endmacro -%}

{%- macro default__schema_name(custom_schema_name, node) -%}
    {%- set custom_schema = (custom_schema_name or "") | trim -%}
    {%- if not custom_schema -%}
        {{ return(target.schema) }}
    {%- elif target.name == "prod" -%}
        {{ return(custom_schema) }}
    {%- else -%}
        {{ return(target.schema ~ "_" ~ custom_schema) }}
    {%- endif -%}
{%- endmacro -%}
