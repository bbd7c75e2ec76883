{%- macro as_of(snapshot, at, column_names={}, hard_deletes="ignore") -%}
    {{ return(adapter.dispatch("as_of", "dataops")(snapshot, at, column_names, hard_deletes)) }}
{%- endmacro -%}

{%- macro default__as_of(snapshot, at, column_names, hard_deletes) -%}
    {%- set own_names = ["dbt_valid_from", "dbt_valid_to", "dbt_is_deleted", "dbt_scd_id", "dbt_updated_at"] -%}
    {%- if column_names is not mapping or column_names.keys() | reject("in", own_names) | list -%}
        {{ exceptions.raise_compiler_error("dataops.as_of: column_names must have the names of the snapshot's snapshot_meta_column_names, for example: {'dbt_valid_to': 'ended_at'}; got: " ~ column_names) }}
    {%- elif hard_deletes not in ["ignore", "invalidate", "new_record"] -%}
        {{ exceptions.raise_compiler_error("dataops.as_of: hard_deletes must be that of the snapshot: ignore, invalidate or new_record; got: " ~ hard_deletes) }}
    {%- elif modules.re.match("[0-9]{4}-[0-9]{2}-[0-9]{2}", at | string) -%}
        {{ exceptions.raise_compiler_error("dataops.as_of: SQL reads the time " ~ at ~ " as a subtraction. Write: \"cast('" ~ at ~ "' as timestamp)\"") }}
    {%- endif -%}
    {%- set valid_from = column_names.get("dbt_valid_from", "dbt_valid_from") -%}
    {%- set valid_to = column_names.get("dbt_valid_to", "dbt_valid_to") %}
    select *
    from {{ snapshot }}
    where
        {{ valid_from }} <= {{ at }}
        and ({{ valid_to }} is null or {{ valid_to }} > {{ at }})
        {%- if hard_deletes == "new_record" %}
        and {{ column_names.get("dbt_is_deleted", "dbt_is_deleted") }} <> 'True'
        {%- endif %}
{%- endmacro -%}
