select
    {{ dataops.try_cast("'2026-02-28'", 'date') }} as good_date,
    {{ dataops.try_cast("'2026-02-30'", 'date') }} as bad_date,
    {{ dataops.try_cast("'12.50'", 'decimal(18, 2)') }} as good_amount,
    {{ dataops.try_cast("'12,50'", 'decimal(18, 2)') }} as bad_amount,
    {{ dataops.try_cast("cast(null as varchar)", 'bigint') }} as no_number
