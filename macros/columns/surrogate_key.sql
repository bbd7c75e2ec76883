{%- macro surrogate_key(columns) -%}
    {{ return(adapter.dispatch("surrogate_key", "dataops")(columns)) }}
{%- endmacro -%}

{%- macro default__surrogate_key(columns) -%}
    {%- if columns is string or columns is not iterable or not columns -%}
        {{ exceptions.raise_compiler_error("dataops.surrogate_key needs a list of at least one column, for example ['order_id', 'line_number']; got: " ~ columns) }}
    {%- endif -%}
    {%- set parts = [] -%}
    {%- for column in columns -%}
        {%- set text = "cast(" ~ column ~ " as " ~ dbt.type_string() ~ ")" -%}
        {#- The length in front keeps ('a', 'bc') and ('ab', 'c') apart; a null has none. -#}
        {%- set length = "cast(" ~ dbt.length(text) ~ " as " ~ dbt.type_string() ~ ")" -%}
        {%- do parts.append("coalesce(" ~ dbt.concat([length, "':'", text]) ~ ", 'null')") -%}
    {%- endfor -%}
    {{ return(dbt.hash(dbt.concat(parts))) }}
{%- endmacro -%}
