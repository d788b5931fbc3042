{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Onboarding',
    'description': 'In the first days of a paid subscription',
    'owner': 'product@clientele.example',
    'objective': 'Train them until they get what they pay for',
    'goal_kpi': 'retention_rate',
    'priority': 603,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['subscriptions'],
    'examples': ['EX-22'],
}}) }}

select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where subscription_stage = 'onboarding'
