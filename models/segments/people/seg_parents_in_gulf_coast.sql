{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Parents in the Gulf Coast',
    'description': 'Parents of 25 to 44 years in Louisiana, Mississippi or Alabama who bought in the last 365 days',
    'owner': 'marketing@clientele.example',
    'objective': "Children's clothing for the season of the region",
    'goal_kpi': 'purchase_frequency',
    'priority': 702,
    'minimum_size': 20,
    'sensitive_reason': "Children's clothing is of use to parents; they told us of their children themselves",
    'review_by': '2027-06-30',
    'examples': ['EX-14'],
}}) }}
{%- set subdivisions = ['US-LA', 'US-MS', 'US-AL'] -%}

-- The age is that of the parent: nobody tells us the children's. With a purchase, because age and
-- place alone are a stereotype.
select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where
    has_children
    and age_band in ('25_34', '35_44')
    and subdivision_code in ({{ text_list(subdivisions) }})
    and order_count_365d > 0
