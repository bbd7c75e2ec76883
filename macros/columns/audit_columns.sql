{%- macro audit_columns() -%}
    {{ return(adapter.dispatch("audit_columns", "dataops")()) }}
{%- endmacro -%}

{%- macro default__audit_columns() -%}
    cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as {{ dbt.type_timestamp() }}) as built_at,
    cast('{{ invocation_id }}' as {{ dbt.type_string() }}) as built_by_invocation
{%- endmacro -%}
