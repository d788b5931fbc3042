{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'At-risk regulars',
    'description': 'Three orders or more, and overdue by their own rhythm',
    'owner': 'crm@clientele.example',
    'objective': 'Bring overdue regulars back with an incentive',
    'goal_kpi': 'retention_rate',
    'priority': 30,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'examples': ['EX-04', 'EX-28'],
}}) }}

select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where lifecycle_stage = 'at_risk' and order_count_lifetime >= 3
