-- Days are parted at every as_of by a range join; one that finds two cuts would count an event
-- twice and show in no key, one that finds none where it must would lose it.
with

facts as (
    select
        count(*) as event_count,
        count(*) filter (where customer_id is null) as event_count_of_nobody
    from {{ ref('fct_web_events') }}
),

days as (
    select coalesce(sum(event_count), 0) as event_count
    from {{ ref('fct_web_days') }}
)

select
    facts.event_count as fact_count,
    facts.event_count_of_nobody as count_of_nobody,
    days.event_count as day_count
from facts
cross join days
where facts.event_count <> facts.event_count_of_nobody + days.event_count
