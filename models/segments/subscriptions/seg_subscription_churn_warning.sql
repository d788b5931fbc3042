{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Churn warning by rules',
    'description': 'Subscribers with two of three signs: paused, not used for 30 days, a bad rating',
    'owner': 'crm@clientele.example',
    'objective': 'Help or discount before they cancel',
    'goal_kpi': 'churn_rate',
    'priority': 22,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['subscriptions', 'product_usage', 'support_tickets'],
    'examples': ['EX-35'],
}}) }}
{%- set unused_days = 30 -%}
{%- set bad_rating = 2 -%}

-- Rules, not a model: nobody has measured how many of these leave. One sign alone has many reasons.
select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where
    subscription_stage in ('subscribed', 'paused')
    and case when subscription_stage = 'paused' then 1 else 0 end
    + case when days_since_last_use >= {{ unused_days }} then 1 else 0 end
    + case when last_csat_score <= {{ bad_rating }} then 1 else 0 end >= 2
