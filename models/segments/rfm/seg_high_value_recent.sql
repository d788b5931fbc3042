{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'High-value recent buyers',
    'description': 'Recent and high in spend, whatever their frequency',
    'owner': 'crm@clientele.example',
    'objective': 'Sell more while the interest is fresh',
    'goal_kpi': 'average_order_value',
    'priority': 40,
    'minimum_size': 20,
    'review_by': '2027-06-30',
}}) }}

select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where recency_score >= 4 and monetary_score >= 4
