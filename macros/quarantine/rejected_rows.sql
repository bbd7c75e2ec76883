{%- macro rejected_rows(relation, keys=[], loaded_at="loaded_at") -%}
    {{ return(adapter.dispatch("rejected_rows", "dataops")(relation, keys, loaded_at)) }}
{%- endmacro -%}

{%- macro default__rejected_rows(relation, keys, loaded_at) -%}
    {%- if keys is string or keys is not iterable -%}
        {{ exceptions.raise_compiler_error("dataops.rejected_rows: keys must be a list of columns, for example ['order_id']; got: " ~ keys) }}
    {%- endif -%}
    {#- Checked during a build only: before it, the warehouse may hold the relation as an earlier run left it. -#}
    {%- set built = adapter.get_columns_in_relation(relation) if execute and flags.WHICH in ["build", "run", "retry"] and relation is not string else [] -%}
    {%- set columns = built | map(attribute="name") | map("lower") | list -%}
    {%- if columns and modules.re.fullmatch("\\w+", loaded_at) and loaded_at | lower not in columns + ["null"] -%}
        {{ exceptions.raise_compiler_error("dataops.rejected_rows: " ~ relation.identifier ~ " has no column " ~ loaded_at ~ " with the time of delivery. Name the right one, for example loaded_at='_loaded_at', or write loaded_at='null' if the source has none. Its columns: " ~ columns | join(", ")) }}
    {%- endif -%}
    {%- for key in keys if columns and modules.re.fullmatch("\\w+", key) and key | lower not in columns -%}
        {{ exceptions.raise_compiler_error("dataops.rejected_rows: keys names " ~ key ~ ", which is not a column of " ~ relation.identifier ~ ". Its columns: " ~ columns | join(", ")) }}
    {%- endfor -%}
with checked as (

    select * from {{ relation }}

),

-- The same row may have been delivered, and rejected, more than once.
numbered as (

    select
        *,
        row_number() over (partition by raw_row order by rejected_at) as repetition
    from checked
    where broken_rules is not null

),

final as (

    select
        {{ dataops.surrogate_key(["raw_row", "repetition"]) }} as rejected_row_id,
        {%- for key in keys %}
        {{ key }},
        {%- endfor %}
        broken_rules,
        messages,
        raw_row,
        {{ loaded_at }} as loaded_at,
        rejected_at
    from numbered

)

select * from final
{%- endmacro -%}
