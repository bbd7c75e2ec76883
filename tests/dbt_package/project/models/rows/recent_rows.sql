select 'var' as window_from, row_id from {{ ref('all_rows') }}
where {{ dataops.recent_rows(ref('all_rows'), 'loaded_at') }}
union all
select 'argument' as window_from, row_id from {{ ref('all_rows') }}
where {{ dataops.recent_rows(ref('all_rows'), 'loaded_at', days=9) }}
union all
select 'off' as window_from, row_id from {{ ref('all_rows') }}
where {{ dataops.recent_rows(ref('all_rows'), 'loaded_at', days=0) }}
