with judged as (

    select * from {{ ref('base_shop__customers') }}

),

final as (

    select
        customer_id,
        customer_name,
        email,
        city,
        signed_up_at,
        loaded_at
    from judged
    where broken_rules is null

)

select * from final
