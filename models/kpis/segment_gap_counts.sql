with

facts as (
    select
        customer_id,
        {{ month_start('occurred_on') }} as month_start,
        {{ quarter_start('occurred_on') }} as quarter_start,
        {{ days_between('previous_ordered_on', 'occurred_on') }} as gap_days,
        1 as gap_count
    from {{ ref('customer_revenue_days') }}
    where customer_id is not null and order_count > 0 and previous_ordered_on is not null
),

{{ segment_sums_of_grains(['month', 'quarter'], ['gap_count'], keys=['gap_days']) }}
