{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Travelled to Lisbon, not lately',
    'description': 'Booked a flight to Lisbon in the past, and no flight of theirs began in the last 365 days',
    'owner': 'crm@clientele.example',
    'objective': 'Invite them back to where they have been',
    'goal_kpi': 'reactivation_rate',
    'priority': 805,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['business_events'],
    'examples': ['EX-26'],
}}) }}
{%- set destination = 'lisbon' -%}
{%- set days = 365 -%}

-- For another destination, copy the file.
select
    spine.as_of,
    flights.customer_id
from {{ ref('fct_business_events') }} as flights
inner join {{ ref('as_of_spine') }} as spine
    on flights.occurred_at <= spine.as_of
where flights.customer_id is not null and flights.event_name = 'flight_booked'
group by spine.as_of, flights.customer_id
having
    count(*) filter (where lower(flights.subject) = '{{ destination }}') > 0
    and count(*) filter (
        where {{ in_last_days('flights.starts_on', 'spine.as_of_on', days) }}
    ) = 0
