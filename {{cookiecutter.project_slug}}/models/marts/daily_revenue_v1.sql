-- For readers of first_order_count, which version 2 calls new_customer_count.
with daily_revenue as (

    select * from {{ ref('daily_revenue', v=2) }}

),

final as (

    select
        ordered_on,
        order_count,
        new_customer_count as first_order_count,
        paid_amount,
        refunded_amount,
        net_amount,
        built_at,
        built_by_invocation,
        built_in_release
    from daily_revenue

)

select * from final
