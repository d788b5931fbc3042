{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'One-time buyers',
    'description': 'Ordered once ever',
    'owner': 'marketing@clientele.example',
    'objective': 'Win the second order',
    'goal_kpi': 'repeat_purchase_rate',
    'priority': 100,
    'minimum_size': 20,
    'review_by': '2027-06-30',
}}) }}

select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where order_count_lifetime = 1
