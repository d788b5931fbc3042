{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Regular buyers',
    'description': 'Buyers of the last 365 days whose median gap between orders is 60 days or less',
    'owner': 'crm@clientele.example',
    'objective': 'Offer bundles that fit the rhythm',
    'goal_kpi': 'average_order_value',
    'priority': 90,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'examples': ['EX-28'],
}}) }}

select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where order_count_365d > 0 and median_days_between_orders <= 60
