{%- macro raw_row(relation) -%}
    {{ return(adapter.dispatch("raw_row", "dataops")(relation)) }}
{%- endmacro -%}

{#- In most engines the name of a table, read as a column, is its whole row. -#}
{%- macro default__raw_row(relation) -%}
    {{ return(relation) }}
{%- endmacro -%}

{%- macro spark__raw_row(relation) -%}
    {{ return("struct(" ~ relation ~ ".*)") }}
{%- endmacro -%}
