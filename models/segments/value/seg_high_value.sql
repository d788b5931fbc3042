{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'High value',
    'description': 'Net revenue of the last 365 days at or above the 80th percentile of their buyers',
    'owner': 'crm@clientele.example',
    'objective': 'Keep the fifth that brings most of the revenue',
    'goal_kpi': 'retention_rate',
    'priority': 50,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'examples': ['EX-28', 'EX-43'],
}}) }}

-- Net revenue of the last 365 days at or above the 80th percentile of the buyers of these days.
select
    profiles.as_of,
    profiles.customer_id
from {{ ref('customer_profiles') }} as profiles
inner join {{ ref('value_thresholds') }} as thresholds
    on
        profiles.as_of = thresholds.as_of
        and thresholds.measure = 'net_revenue_365d_of_buyers'
        and thresholds.percentile = 80
where profiles.order_count_365d > 0 and profiles.net_revenue_365d * 100 >= thresholds.scaled_cut
