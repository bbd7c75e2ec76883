select
    1 as id,
    {{ dataops.audit_columns() }}
