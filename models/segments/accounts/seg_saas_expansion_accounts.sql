{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Accounts ready for more seats',
    'description': 'Mid-sized accounts that use the product on 10 of 30 days, work with Jira and had at most 5 tickets in 90 days',
    'entity': 'account',
    'owner': 'product@clientele.example',
    'objective': 'Sell seats to the teams beside',
    'goal_kpi': 'upgrade_rate',
    'priority': 914,
    'minimum_size': 5,
    'review_by': '2027-06-30',
    'needs': ['accounts', 'product_usage', 'support_tickets'],
    'examples': ['EX-33'],
}}) }}
{%- set use_days = 10 -%}
{%- set technology = 'jira' -%}
{%- set tickets = 5 -%}

-- Firmographic, behavioural and technographic at once.
select
    as_of,
    account_id
from {{ ref('account_profiles') }}
where
    size_band = 'mid'
    and usage_day_count_30d >= {{ use_days }}
    and {{ has_tag('technologies', technology) }}
    and ticket_count_90d <= {{ tickets }}
