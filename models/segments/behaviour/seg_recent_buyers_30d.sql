{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Recent buyers',
    'description': 'Ordered in the last 30 days',
    'owner': 'marketing@clientele.example',
    'objective': 'Thank, ask for a review, suggest the complement',
    'goal_kpi': 'repeat_purchase_rate',
    'priority': 130,
    'minimum_size': 20,
    'review_by': '2027-06-30',
}}) }}

select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where order_count_30d >= 1
