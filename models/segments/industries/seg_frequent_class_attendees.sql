{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Frequent class attendees',
    'description': 'Attended at least 8 classes in the last 30 days',
    'owner': 'crm@clientele.example',
    'objective': 'Keep the habit; let them bring a friend',
    'goal_kpi': 'retention_rate',
    'priority': 807,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['business_events'],
    'examples': ['EX-20'],
}}) }}
{%- set classes = 8 -%}
{%- set days = 30 -%}

-- Twice a week.
select
    spine.as_of,
    events.customer_id
from {{ ref('fct_business_events') }} as events
inner join {{ ref('as_of_spine') }} as spine
    on
        events.occurred_at <= spine.as_of
        and {{ in_last_days('events.occurred_on', 'spine.as_of_on', days) }}
where events.customer_id is not null and events.event_name = 'class_attended'
group by spine.as_of, events.customer_id
having count(*) >= {{ classes }}
