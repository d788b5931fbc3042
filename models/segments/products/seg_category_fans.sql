{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Category fans',
    'description': 'One category holds at least half of what they spent, with three orders or more',
    'owner': 'crm@clientele.example',
    'objective': 'Tell them first of what is new in it',
    'goal_kpi': 'purchase_frequency',
    'priority': 401,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['order_lines', 'products'],
    'examples': ['EX-12', 'EX-13'],
}}) }}

-- Which category it is says top_category. Its share is exact to six places.
select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where top_category_share >= 0.5 and order_count_lifetime >= 3
