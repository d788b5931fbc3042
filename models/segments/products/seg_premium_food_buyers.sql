{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Buyers of premium products',
    'description': 'At least half of what they bought in the last 365 days is of the tier premium',
    'owner': 'crm@clientele.example',
    'objective': 'Offer the best of the range, not the cheapest',
    'goal_kpi': 'average_order_value',
    'priority': 405,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['order_lines', 'products'],
    'examples': ['EX-10'],
}}) }}

select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where premium_share_365d >= 0.5
