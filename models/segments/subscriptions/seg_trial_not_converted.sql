{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Trial not converted',
    'description': 'Had a free trial that ended without a paid period',
    'owner': 'product@clientele.example',
    'objective': 'Ask why, and offer a second look',
    'goal_kpi': 'conversion_rate',
    'priority': 602,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['subscriptions'],
    'examples': ['EX-21'],
}}) }}

select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where subscription_stage = 'trial_expired'
