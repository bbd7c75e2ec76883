{%- macro audit_columns() -%}
    {{ return(adapter.dispatch("audit_columns", "dataops")()) }}
{%- endmacro -%}

{%- macro default__audit_columns() -%}
    {%- set release, string = env_var("DATAOPS_RELEASE", "") | trim, dbt.type_string() -%}
    cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as {{ dbt.type_timestamp() }}) as built_at,
    cast('{{ invocation_id }}' as {{ string }}) as built_by_invocation,
    cast({{ dbt.string_literal(dbt.escape_single_quotes(release)) if release else "null" }} as {{ string }}) as built_in_release
{%- endmacro -%}
