{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Subscribers with a favourite category',
    'description': 'Settled subscribers of whom one category holds at least half of what they spent, with three orders or more',
    'owner': 'crm@clientele.example',
    'objective': 'Fill their box with what they like',
    'goal_kpi': 'churn_rate',
    'priority': 609,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['order_lines', 'products', 'subscriptions'],
    'examples': ['EX-18'],
}}) }}

-- No input says what somebody likes: what they bought says it. Which category it is stands in
-- top_category, and how often the box comes in subscription_plan.
select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where
    subscription_stage = 'subscribed'
    and top_category_share >= 0.5
    and order_count_lifetime >= 3
