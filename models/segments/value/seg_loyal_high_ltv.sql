{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Loyal by frequency and lifetime value',
    'description': 'Four orders or more in the last 365 days, and lifetime revenue in the upper fifth of customers',
    'owner': 'crm@clientele.example',
    'objective': 'Reward those who buy often and have brought most',
    'goal_kpi': 'retention_rate',
    'priority': 70,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'examples': ['EX-24'],
}}) }}

-- Added and removed by purchase frequency and lifetime value alone.
select
    profiles.as_of,
    profiles.customer_id
from {{ ref('customer_profiles') }} as profiles
inner join {{ ref('value_thresholds') }} as thresholds
    on
        profiles.as_of = thresholds.as_of
        and thresholds.measure = 'net_revenue_lifetime_of_customers'
        and thresholds.percentile = 80
where
    profiles.order_count_365d >= 4
    and profiles.net_revenue_lifetime * 100 >= thresholds.scaled_cut
