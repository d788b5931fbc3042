{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Price sensitive',
    'description': 'At least half of what they ordered in the last 365 days was at a discount or with a coupon',
    'owner': 'marketing@clientele.example',
    'objective': 'Time discounts for those who buy because of them',
    'goal_kpi': 'purchase_frequency',
    'priority': 80,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'examples': ['EX-28'],
}}) }}

-- At least half of what was ordered in the last 365 days, refunds left aside, was in orders with a
-- discount or a coupon.
select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where order_net_amount_365d > 0 and discounted_net_amount_365d * 2 >= order_net_amount_365d
