{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Trial ending soon',
    'description': 'On a free trial that ends within the next 7 days',
    'owner': 'product@clientele.example',
    'objective': 'Make a time-limited offer before the trial ends',
    'goal_kpi': 'conversion_rate',
    'priority': 601,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['subscriptions'],
    'examples': ['EX-21'],
}}) }}
{%- set days = 7 -%}

select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where
    subscription_stage = 'trial'
    and trial_ends_at <= {{ add_minutes('as_of', days * 24 * 60) }}
