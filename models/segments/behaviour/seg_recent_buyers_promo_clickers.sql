{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Recent buyers who click promotions',
    'description': 'An order and a click on a promotional campaign, both in the last 30 days',
    'owner': 'marketing@clientele.example',
    'objective': 'Offer the next thing to those who listen',
    'goal_kpi': 'click_through_rate',
    'priority': 45,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['message_events'],
    'examples': ['EX-25'],
}}) }}

select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where order_count_30d >= 1 and promotional_click_count_30d >= 1
