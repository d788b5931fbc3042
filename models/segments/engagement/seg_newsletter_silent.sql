{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Newsletter silent',
    'description': 'Opened none of the four or more e-mails delivered in the last 90 days',
    'owner': 'marketing@clientele.example',
    'objective': 'Write less, or ask whether to write at all',
    'goal_kpi': 'open_rate',
    'priority': 512,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['message_events'],
    'examples': ['EX-18'],
}}) }}
{%- set messages = 4 -%}

select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where delivered_message_count_90d >= {{ messages }} and email_open_rate_90d = 0
