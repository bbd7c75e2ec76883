{%- macro deduplicate(relation, partition_by, order_by) -%}
    {%- for columns in [partition_by, order_by] if columns is string or columns is not iterable or not columns -%}
        {{ exceptions.raise_compiler_error("dataops.deduplicate needs two lists of at least one column, for example: partition_by=['order_id'], order_by=['loaded_at desc', 'line_number']; got: " ~ partition_by ~ ", " ~ order_by) }}
    {%- endfor -%}
    {{ return(adapter.dispatch("deduplicate", "dataops")(relation, partition_by, order_by)) }}
{%- endmacro -%}

{%- macro default__deduplicate(relation, partition_by, order_by) %}
    select *
    from {{ relation }}
    qualify row_number() over (partition by {{ partition_by | join(", ") }} order by {{ order_by | join(", ") }}) = 1
{%- endmacro -%}

{%- macro postgres__deduplicate(relation, partition_by, order_by) %}
    select distinct on ({{ partition_by | join(", ") }}) *
    from {{ relation }}
    order by {{ partition_by | join(", ") }}, {{ order_by | join(", ") }}
{%- endmacro -%}

{#- Redshift would take the version of Postgres, and has no `distinct on`. -#}
{%- macro redshift__deduplicate(relation, partition_by, order_by) -%}
    {{ return(dataops.default__deduplicate(relation, partition_by, order_by)) }}
{%- endmacro -%}

{#- Spark has no `qualify`; the whole row as one value leaves the number out of the result. -#}
{%- macro spark__deduplicate(relation, partition_by, order_by) %}
    select kept_row.*
    from (
        select
            struct(*) as kept_row,
            row_number() over (partition by {{ partition_by | join(", ") }} order by {{ order_by | join(", ") }}) as place
        from {{ relation }}
    ) as numbered
    where place = 1
{%- endmacro -%}
