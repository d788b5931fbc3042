{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Health-conscious millennials',
    'description': 'From 30 to 45 years (born 1981 to 1996, seen from 2026) and interested in health',
    'owner': 'marketing@clientele.example',
    'objective': 'Speak of health, not of looks',
    'goal_kpi': 'click_through_rate',
    'priority': 706,
    'minimum_size': 20,
    'sensitive_reason': 'The course is written for their age, which they gave themselves; nobody is refused it',
    'review_by': '2027-01-31',
    'needs': ['survey_responses'],
    'examples': ['EX-20'],
}}) }}
{%- set youngest = 30 -%}
{%- set oldest = 45 -%}
{%- set tag = 'interest:health' -%}

-- A generation grows older: the ages move by a year when the segment is reviewed.
select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where age between {{ youngest }} and {{ oldest }} and {{ has_tag('psychographic_tags', tag) }}
