-- A test gives this model the schema that a target's own name would be.
{{ config(schema=env_var('TRAP_SCHEMA', 'rows')) }}

select *
from (
    values
        (1, timestamp '2026-01-01 12:00:00'),
        (2, timestamp '2026-01-07 11:59:59'),
        (3, timestamp '2026-01-07 12:00:00'),
        (4, timestamp '2026-01-10 12:00:00'),
        (5, null)
) as t (row_id, loaded_at)
