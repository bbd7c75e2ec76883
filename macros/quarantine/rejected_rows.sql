{%- macro rejected_rows(relation, keys=[], loaded_at="loaded_at") -%}
    {{ return(adapter.dispatch("rejected_rows", "dataops")(relation, keys, loaded_at)) }}
{%- endmacro -%}

{%- macro default__rejected_rows(relation, keys, loaded_at) -%}
    {%- if keys is string or keys is not iterable -%}
        {{ exceptions.raise_compiler_error("dataops.rejected_rows: keys is a list of columns, for example ['order_id']; got: " ~ keys) }}
    {%- endif -%}
with judged as (

    select * from {{ relation }}

),

-- The same row may have been delivered, and rejected, more than once.
numbered as (

    select
        *,
        row_number() over (partition by raw_row order by rejected_at) as repetition
    from judged
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
