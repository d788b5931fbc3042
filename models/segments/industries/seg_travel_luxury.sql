{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Luxury travellers',
    'description': 'Said in a survey that they travel in luxury',
    'owner': 'marketing@clientele.example',
    'objective': 'Offer suites and private transfers',
    'goal_kpi': 'average_order_value',
    'priority': 802,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['survey_responses'],
    'examples': ['EX-19'],
}}) }}
{%- set tag = 'lifestyle:luxury' -%}

select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where {{ has_tag('psychographic_tags', tag) }}
