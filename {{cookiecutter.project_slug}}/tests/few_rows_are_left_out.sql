-- Rows that cannot be read or belong to nobody are counted. Returns the tables where they are more than 5 %.
with counts as (

    select * from {{ ref('stg_shop__row_counts') }}

),

final as (

    select *
    from counts
    where dropped_rows + orphan_rows > 0.05 * delivered_rows

)

select * from final
