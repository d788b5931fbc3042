{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Browsers without orders',
    'description': 'Viewed at least 10 products in the last 90 days and ordered nothing in them',
    'owner': 'marketing@clientele.example',
    'objective': 'Turn looking into a first or a next order',
    'goal_kpi': 'conversion_rate',
    'priority': 216,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['web_events'],
    'examples': ['EX-34'],
}}) }}
{%- set views = 10 -%}

select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where product_view_count_90d >= {{ views }} and order_count_90d = 0
