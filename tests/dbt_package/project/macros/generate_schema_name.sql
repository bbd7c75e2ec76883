{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ dataops.schema_name(custom_schema_name, node) }}
{%- endmacro %}
