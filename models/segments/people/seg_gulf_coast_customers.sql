{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Gulf Coast customers',
    'description': 'Live in Louisiana, Mississippi or Alabama',
    'owner': 'marketing@clientele.example',
    'objective': 'Show the menu of the region',
    'goal_kpi': 'average_order_value',
    'priority': 701,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'examples': ['EX-15'],
}}) }}
{%- set subdivisions = ['US-LA', 'US-MS', 'US-AL'] -%}

-- For another region, copy the file. Codes are those of ISO 3166-2.
select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where subdivision_code in ({{ text_list(subdivisions) }})
