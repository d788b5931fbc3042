{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Subscribers who buy on top',
    'description': 'Settled subscribers with at least 2 orders beside the subscription in the last 90 days',
    'owner': 'crm@clientele.example',
    'objective': 'Offer the box that has what they buy on top',
    'goal_kpi': 'upgrade_rate',
    'priority': 608,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['subscriptions'],
    'examples': ['EX-18'],
}}) }}
{%- set orders = 2 -%}

select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where subscription_stage = 'subscribed' and order_count_90d >= {{ orders }}
