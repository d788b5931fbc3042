with

firsts as (
    select
        customer_id,
        first_ordered_at as acquired_at,
        occurred_on as acquired_on
    from {{ ref('customer_revenue_days') }}
    where customer_id is not null and order_count > 0 and previous_ordered_on is null
)

{{ in_segments_when_first_observed('firsts', 'acquired_at', ['acquired_on']) }}
