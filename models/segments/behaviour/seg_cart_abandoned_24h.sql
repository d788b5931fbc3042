{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Cart abandoned in the last 24 hours',
    'description': 'A cart was last touched less than 24 hours ago and no order came from it',
    'owner': 'marketing@clientele.example',
    'objective': 'Bring the basket to the till while it is warm',
    'goal_kpi': 'cart_abandonment_rate',
    'priority': 15,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['web_events'],
    'examples': ['EX-23'],
}}) }}
{%- set hours = 24 -%}

-- Elapsed time, not days: at exactly 24 hours the customer is out. The last touch is that of a cart
-- still open, so that an order, or a completion, takes the customer out at once.
select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where last_cart_touched_at > {{ add_minutes('as_of', -60 * hours) }}
