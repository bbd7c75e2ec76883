-- Times are told from the start of the run, so that the test does not depend on the day on which it runs.
select * from (
    values
        (1, cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as timestamp) - interval 3 hour),
        (2, date_trunc('day', cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as timestamp)) - interval 2 day),
        (3, null)
) as t (row_id, loaded_at)
