{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Clients who want to grow',
    'description': 'Named growth as their goal in a survey',
    'owner': 'sales@clientele.example',
    'objective': 'Propose a growth programme',
    'goal_kpi': 'conversion_rate',
    'priority': 813,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['survey_responses'],
    'examples': ['EX-34'],
}}) }}
{%- set tag = 'value:growth' -%}

select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where {{ has_tag('psychographic_tags', tag) }}
