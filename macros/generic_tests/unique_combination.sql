{%- test unique_combination(model, columns) -%}
    {{ return(adapter.dispatch("test_unique_combination", "dataops")(model, columns)) }}
{%- endtest -%}

{%- macro default__test_unique_combination(model, columns) -%}
    {%- if columns is string or columns is not iterable or not columns or columns | unique | list | length < columns | length -%}
        {{ exceptions.raise_compiler_error("dataops.unique_combination needs a list of different columns, for example: columns: [order_id, line_number]; got: " ~ columns) }}
    {%- endif %}

select
    {{ columns | join(",\n    ") }},
    count(*) as occurrences
from {{ model }}
group by {{ columns | join(", ") }}
having count(*) > 1
{%- endmacro -%}
