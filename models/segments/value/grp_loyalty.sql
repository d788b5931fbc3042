{{ config(enabled=segment_is_on(model.name), meta={'segment_group': {
    'exclusive_group': 'loyalty',
    'variant': 'all',
    'owner': 'crm@clientele.example',
    'review_by': '2027-06-30',
    'examples': ['EX-29'],
}}) }}

-- Buyers of the last 365 days; power users are their top tenth by net revenue.
select
    profiles.as_of,
    profiles.customer_id,
    case
        when
            profiles.order_count_365d >= 4
            and profiles.net_revenue_365d * 100 >= thresholds.scaled_cut
            then 'loyalty_power_users'
        when profiles.order_count_365d >= 2 then 'loyalty_regular_customers'
        else 'loyalty_occasional_buyers'
    end as segment_key
from {{ ref('customer_profiles') }} as profiles
inner join {{ ref('value_thresholds') }} as thresholds
    on
        profiles.as_of = thresholds.as_of
        and thresholds.measure = 'net_revenue_365d_of_buyers'
        and thresholds.percentile = 90
where profiles.order_count_365d > 0
