{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Newsletter readers',
    'description': 'Opened at least half of the e-mails delivered in the last 90 days, which were four or more',
    'owner': 'marketing@clientele.example',
    'objective': 'Ask them for what readers give: replies, referrals, reviews',
    'goal_kpi': 'click_through_rate',
    'priority': 511,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['message_events'],
    'examples': ['EX-18'],
}}) }}
{%- set messages = 4 -%}

-- Four: one e-mail opened of one says little.
select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where delivered_message_count_90d >= {{ messages }} and email_open_rate_90d >= 0.5
