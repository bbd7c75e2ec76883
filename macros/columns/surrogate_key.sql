{%- macro surrogate_key(columns) -%}
    {{ return(adapter.dispatch("surrogate_key", "dataops")(columns)) }}
{%- endmacro -%}

{#- dbt's macros are called once, not once a column: at a thousand models dbt's parse would take noticeably longer. -#}
{%- macro default__surrogate_key(columns) -%}
    {%- if columns is string or columns is not iterable or not columns -%}
        {{ exceptions.raise_compiler_error("dataops.surrogate_key needs a list of at least one column, for example ['order_id', 'line_number']; got: " ~ columns) }}
    {%- endif -%}
    {%- set type, placeholder = dbt.type_string(), "<column>" -%}
    {%- set text = "cast(" ~ placeholder ~ " as " ~ type ~ ")" -%}
    {#- The length in front keeps ('a', 'bc') and ('ab', 'c') apart; a null has none. -#}
    {%- set length = "cast(" ~ dbt.length(text) ~ " as " ~ type ~ ")" -%}
    {%- set part = "coalesce(" ~ dbt.concat([length, "':'", text]) ~ ", 'null')" -%}
    {%- set parts = [] -%}
    {%- for column in columns -%}
        {%- do parts.append(part | replace(placeholder, column)) -%}
    {%- endfor -%}
    {{ return(dbt.hash(dbt.concat(parts))) }}
{%- endmacro -%}
