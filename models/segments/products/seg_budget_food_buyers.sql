{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Buyers of budget products',
    'description': 'At least half of what they bought in the last 365 days is of the tier budget',
    'owner': 'crm@clientele.example',
    'objective': 'Offer large packs and multi-buys',
    'goal_kpi': 'purchase_frequency',
    'priority': 406,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['order_lines', 'products'],
    'examples': ['EX-10'],
}}) }}

select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where budget_share_365d >= 0.5
