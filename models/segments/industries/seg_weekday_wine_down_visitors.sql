{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Weekday Wine Down visitors',
    'description': 'Reserved a table for Monday to Thursday, 17:00 to 19:00, of the last 30 days',
    'owner': 'marketing@clientele.example',
    'objective': 'Bring them back with a friend',
    'goal_kpi': 'repeat_purchase_rate',
    'priority': 811,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['business_events'],
    'examples': ['EX-07'],
}}) }}
{%- set last_weekday = 4 -%}
{%- set from_hour = 17 -%}
{%- set until_hour = 19 -%}
{%- set days = 30 -%}

-- Hours on the clocks of the business, from the first minute of the first hour to the last minute
-- before the end.
select distinct
    spine.as_of,
    visits.customer_id
from {{ ref('fct_business_events') }} as visits
inner join {{ ref('as_of_spine') }} as spine
    on
        visits.starts_at <= spine.as_of
        and {{ in_last_days('visits.starts_on', 'spine.as_of_on', days) }}
where
    visits.customer_id is not null
    and visits.event_name = 'table_reserved'
    and {{ iso_weekday('visits.starts_on') }} <= {{ last_weekday }}
    and visits.starts_in_hour >= {{ from_hour }}
    and visits.starts_in_hour < {{ until_hour }}
