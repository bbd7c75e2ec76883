{%- macro schema_name(custom_schema_name, node, prod_schema="main") -%}
    {{ return(adapter.dispatch("schema_name", "dataops")(custom_schema_name, node, prod_schema)) }}
{%- endmacro -%}

{#- Outside prod a name is the target's schema, alone or with an underscore and more. So a name of prod can be met only where
    it is that schema, or starts with it and an underscore; and every name of prod is either `prod_schema` or a custom schema
    that this macro is asked for outside prod too. -#}
{%- macro default__schema_name(custom_schema_name, node, prod_schema) -%}
    {%- set custom_schema = (custom_schema_name or "") | trim -%}
    {%- set own_schema = (target.schema or "") | trim -%}
    {%- if not own_schema -%}
        {{ exceptions.raise_compiler_error("dataops.schema_name: the target " ~ target.name ~ " has no schema, so nothing would keep its names apart from those of other targets. Give it one in profiles.yml, for example: schema: " ~ target.name) }}
    {%- elif dataops.environment() == "prod" -%}
        {%- if own_schema != prod_schema -%}
            {{ exceptions.raise_compiler_error("dataops.schema_name: the target " ~ target.name ~ " has the schema " ~ own_schema ~ " in profiles.yml, and the other targets are kept off " ~ prod_schema ~ ". Call it with prod_schema='" ~ own_schema ~ "' in generate_schema_name") }}
        {%- endif -%}
        {{ return(custom_schema or own_schema) }}
    {%- endif -%}
    {%- set targets = dataops.environment_targets() -%}
    {%- set prod = targets["prod"] -%}
    {%- set hint = "" if target.name in targets.values() else ". Or, if " ~ target.name ~ " is prod, write in dbt_project.yml: vars: {dataops: {environments: {prod: " ~ target.name ~ "}}}" -%}
    {%- for taken in [prod_schema, custom_schema] if taken | lower == own_schema | lower or (taken | lower).startswith(own_schema | lower ~ "_") -%}
        {{ exceptions.raise_compiler_error("dataops.schema_name: " ~ prod ~ " has a schema " ~ taken ~ ", and the target " ~ target.name ~ " with its schema " ~ own_schema ~ " could write to it. Give the target another schema in profiles.yml, one that no schema of " ~ prod ~ " starts with" ~ hint) }}
    {%- endfor -%}
    {{ return(own_schema ~ "_" ~ custom_schema if custom_schema else own_schema) }}
{%- endmacro -%}
