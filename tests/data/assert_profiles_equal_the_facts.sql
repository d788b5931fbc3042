-- Every customer's revenue and orders in the profiles are those of the facts: a fan-out doubles
-- them, a lost join drops them, and either would look like a trend.
with

facts as (
    select
        revenue.customer_id,
        sum(revenue.net_revenue) as net_revenue,
        sum(revenue.order_count) as order_count
    from {{ ref('fct_revenue') }} as revenue
    inner join {{ ref('as_of_spine') }} as spine
        on spine.is_current and revenue.occurred_at <= spine.as_of
    where revenue.customer_id is not null
    group by revenue.customer_id
),

profiles as (
    select
        profiles.customer_id,
        sum(profiles.net_revenue_lifetime) as net_revenue,
        sum(profiles.order_count_lifetime) as order_count
    from {{ ref('customer_profiles') }} as profiles
    inner join {{ ref('as_of_spine') }} as spine
        on spine.is_current and profiles.as_of = spine.as_of
    group by profiles.customer_id
)

select
    coalesce(profiles.customer_id, facts.customer_id) as customer_id,
    profiles.net_revenue as profile_net_revenue,
    facts.net_revenue as fact_net_revenue,
    profiles.order_count as profile_order_count,
    facts.order_count as fact_order_count
from profiles
full outer join facts
    on profiles.customer_id = facts.customer_id
where
    coalesce(profiles.net_revenue, 0) <> coalesce(facts.net_revenue, 0)
    or coalesce(profiles.order_count, 0) <> coalesce(facts.order_count, 0)
    or profiles.customer_id is null
