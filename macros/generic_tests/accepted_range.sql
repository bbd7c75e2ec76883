{%- test accepted_range(model, column_name, min_value=none, max_value=none, inclusive=true) -%}
    {{ return(adapter.dispatch("test_accepted_range", "dataops")(model, column_name, min_value, max_value, inclusive)) }}
{%- endtest -%}

{%- macro default__test_accepted_range(model, column_name, min_value, max_value, inclusive) -%}
    {%- if min_value is none and max_value is none -%}
        {{ exceptions.raise_compiler_error("dataops.accepted_range needs a bound. Add one to its arguments, for example: min_value: 0") }}
    {%- endif -%}
    {%- for bound in [min_value, max_value] if modules.re.match("[0-9]{4}-[0-9]{2}-[0-9]{2}", bound | string) -%}
        {{ exceptions.raise_compiler_error("dataops.accepted_range: SQL reads the bound " ~ bound ~ " as a subtraction. Write: \"cast('" ~ bound ~ "' as " ~ ("timestamp" if bound | string | length > 10 else "date") ~ ")\"") }}
    {%- endfor -%}
    {%- if min_value is number and max_value is number and min_value > max_value -%}
        {{ exceptions.raise_compiler_error("dataops.accepted_range: no value is in a range from " ~ min_value ~ " to " ~ max_value ~ ". Swap min_value and max_value") }}
    {%- endif -%}
    {%- set or_equal = "" if inclusive else "=" -%}
    {%- set outside = [] -%}
    {%- if min_value is not none -%}
        {%- do outside.append(column_name ~ " <" ~ or_equal ~ " " ~ min_value) -%}
    {%- endif -%}
    {%- if max_value is not none -%}
        {%- do outside.append(column_name ~ " >" ~ or_equal ~ " " ~ max_value) -%}
    {%- endif %}

select *
from {{ model }}
where {{ outside | join(" or ") }}
{%- endmacro -%}
