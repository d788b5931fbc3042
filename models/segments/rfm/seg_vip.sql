{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'VIP',
    'description': 'The best score in recency, frequency and spend',
    'owner': 'crm@clientele.example',
    'objective': 'Give the best customers a reason to stay the best',
    'goal_kpi': 'retention_rate',
    'priority': 10,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'examples': ['EX-43'],
}}) }}

select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where recency_score = 5 and frequency_score = 5 and monetary_score = 5
