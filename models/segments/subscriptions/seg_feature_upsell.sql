{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Active users of few features',
    'description': 'Subscribers who used the product on 8 of the last 30 days and less than half of its features',
    'owner': 'product@clientele.example',
    'objective': 'Show them the plan that has what they miss',
    'goal_kpi': 'upgrade_rate',
    'priority': 604,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['subscriptions', 'product_usage'],
    'examples': ['EX-22'],
}}) }}
{%- set days = 8 -%}

-- Twice a week is active.
select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where
    subscription_stage = 'subscribed'
    and usage_day_count_30d >= {{ days }}
    and feature_adoption_rate_90d < 0.5
