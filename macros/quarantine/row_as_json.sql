{%- macro row_as_json(row) -%}
    {{ return(adapter.dispatch("row_as_json", "dataops")(row)) }}
{%- endmacro -%}

{%- macro default__row_as_json(row) -%}
    {{ return("cast(to_json(" ~ row ~ ") as " ~ dbt.type_string() ~ ")") }}
{%- endmacro -%}

{#- Spark leaves out fields that are null unless told otherwise. -#}
{%- macro spark__row_as_json(row) -%}
    {{ return("to_json(" ~ row ~ ", map('ignoreNullFields', 'false'))") }}
{%- endmacro -%}
