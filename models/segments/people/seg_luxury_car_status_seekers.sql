{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Status and luxury',
    'description': 'Said in a survey that status matters to them',
    'owner': 'marketing@clientele.example',
    'objective': 'Present the marque, not the price',
    'goal_kpi': 'conversion_rate',
    'priority': 704,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['survey_responses'],
    'examples': ['EX-34'],
}}) }}
{%- set tag = 'value:status' -%}

select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where {{ has_tag('psychographic_tags', tag) }}
