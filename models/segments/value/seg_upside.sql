{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Upside',
    'description': 'Spend faster in the last 90 days than over the year, and are below the high-value line',
    'owner': 'crm@clientele.example',
    'objective': 'Help those who speed up to become high value',
    'goal_kpi': 'average_order_value',
    'priority': 60,
    'minimum_size': 20,
    'review_by': '2027-06-30',
}}) }}

-- Buys faster in the last 90 days than over the year, and is still below the high-value line.
select
    profiles.as_of,
    profiles.customer_id
from {{ ref('customer_profiles') }} as profiles
inner join {{ ref('value_thresholds') }} as thresholds
    on
        profiles.as_of = thresholds.as_of
        and thresholds.measure = 'net_revenue_365d_of_buyers'
        and thresholds.percentile = 80
where
    profiles.order_count_365d > 0
    and profiles.net_revenue_90d * 365 > profiles.net_revenue_365d * 90
    and profiles.net_revenue_365d * 100 < thresholds.scaled_cut
