{% macro create_schema(relation) -%}
    {{ dataops.require_release() }}
    {{ adapter.dispatch("create_schema", "dbt")(relation) }}
{%- endmacro %}
