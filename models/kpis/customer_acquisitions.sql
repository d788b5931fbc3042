with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

firsts as (
    select
        revenue.customer_id,
        min(revenue.occurred_at) as acquired_at,
        min(revenue.occurred_on) as acquired_on
    from {{ ref('fct_revenue') }} as revenue
    inner join spine
        on revenue.occurred_at <= spine.as_of
    where revenue.kind = 'order' and revenue.customer_id is not null
    group by revenue.customer_id
)

{{ in_segments_when_first_observed('firsts', 'acquired_at', ['acquired_on']) }}
