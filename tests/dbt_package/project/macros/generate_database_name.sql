{% macro generate_database_name(custom_database_name, node) -%}
    {{ dataops.database_name(custom_database_name, node, own_databases=['monitoring']) }}
{%- endmacro %}
