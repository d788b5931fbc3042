{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Dormant',
    'description': 'Low in recency and in frequency',
    'owner': 'crm@clientele.example',
    'objective': 'Reactivate at low cost or stop spending on them',
    'goal_kpi': 'retention_rate',
    'priority': 120,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'examples': ['EX-04'],
}}) }}

select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where recency_score <= 2 and frequency_score <= 2
