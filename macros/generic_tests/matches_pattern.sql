{%- test matches_pattern(model, column_name, pattern) -%}
    {{ return(adapter.dispatch("test_matches_pattern", "dataops")(model, column_name, pattern)) }}
{%- endtest -%}

{%- macro default__test_matches_pattern(model, column_name, pattern) -%}
    {%- if pattern is not string or not pattern -%}
        {{ exceptions.raise_compiler_error("dataops.matches_pattern needs a pattern, in single quotes, for example: pattern: '[A-Z]{2}[0-9]+'; got: " ~ pattern) }}
    {%- endif -%}
    {%- set text = "cast(" ~ column_name ~ " as " ~ dbt.type_string() ~ ")" %}

select *
from {{ model }}
where {{ column_name }} is not null and not ({{ dataops.matches(text, "^(" ~ pattern ~ ")$") }})
{%- endmacro -%}
