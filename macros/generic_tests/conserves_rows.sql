{%- test conserves_rows(model, source, rejected, keys=[], source_keys=none, source_where=none) -%}
    {{ return(adapter.dispatch("test_conserves_rows", "dataops")(model, source, rejected, keys, source_keys, source_where)) }}
{%- endtest -%}

{%- macro default__test_conserves_rows(model, source, rejected, keys, source_keys, source_where) -%}
    {%- set keys_at_source = keys if source_keys is none else source_keys -%}
    {%- if keys is string or keys is not iterable or keys_at_source is string or keys_at_source is not iterable or keys | length != keys_at_source | length -%}
        {{ exceptions.raise_compiler_error("dataops.conserves_rows: keys and source_keys must be lists of the same length, for example: keys: [order_id]; got: keys: " ~ keys ~ ", source_keys: " ~ source_keys) }}
    {%- endif -%}
    {%- set where = source_where or config.get("where", "") -%}
    {%- set parts = [
        ("source_rows", source, keys_at_source, where),
        ("clean_rows", model, keys, ""),
        ("rejected_rows", rejected, keys, config.get("where", "")),
    ] %}

with counted as (

    {% for counts, relation, columns, condition in parts -%}
    select
        {%- for column in columns %}
        cast({{ column }} as {{ dbt.type_string() }}) as {{ keys[loop.index0] }},
        {%- endfor %}
        {%- for other, _, _, _ in parts %}
        {{ "count(*)" if other == counts else "0" }} as {{ other }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ relation }}
    {%- if condition %}
    where {{ condition }}
    {%- endif %}
    {%- if columns %}
    group by {{ columns | join(", ") }}
    {%- endif %}
    {{ "union all" if not loop.last }}
    {% endfor %}
),

compared as (

    select
        {%- for key in keys %}
        {{ key }},
        {%- endfor %}
        sum(source_rows) as source_rows,
        sum(clean_rows) as clean_rows,
        sum(rejected_rows) as rejected_rows
    from counted
    {%- if keys %}
    group by {{ keys | join(", ") }}
    {%- endif %}

)

select *
from compared
where source_rows <> clean_rows + rejected_rows
{%- endmacro -%}
