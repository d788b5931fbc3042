{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'New savings account, no automatic transfer',
    'description': 'Opened a savings account in the last 60 days and has no active automatic transfer',
    'owner': 'product@clientele.example',
    'objective': 'Help them to set up the transfer',
    'goal_kpi': 'engagement_score',
    'priority': 806,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['business_events'],
    'examples': ['EX-27'],
}}) }}
{%- set days = 60 -%}

with

events as (
    select
        spine.as_of,
        spine.as_of_on,
        business_events.customer_id,
        business_events.event_name,
        business_events.subject,
        business_events.occurred_at,
        business_events.occurred_on
    from {{ ref('fct_business_events') }} as business_events
    inner join {{ ref('as_of_spine') }} as spine
        on business_events.occurred_at <= spine.as_of
    where business_events.customer_id is not null
),

transfers as (
    select
        as_of,
        customer_id,
        max(occurred_at) filter (where event_name = 'automatic_transfer_started') as started_at,
        max(occurred_at) filter (where event_name = 'automatic_transfer_stopped') as stopped_at
    from events
    group by as_of, customer_id, subject
),

-- Active is a transfer that was not stopped since it was last started; started and stopped at one
-- instant, it is not.
active as (
    select
        as_of,
        customer_id
    from transfers
    where started_at > stopped_at or (stopped_at is null and started_at is not null)
)

select distinct
    events.as_of,
    events.customer_id
from events
left join active
    on events.as_of = active.as_of and events.customer_id = active.customer_id
where
    events.event_name = 'savings_account_opened'
    and {{ in_last_days('events.occurred_on', 'events.as_of_on', days) }}
    and active.customer_id is null
