{%- set last_weekday = 5 -%}
{%- set from_hour = 17 -%}
{%- set until_hour = 22 -%}

-- Dinner from Monday to Friday, by the clocks of the business: a table reserved, its time come.
with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

scopes as (
    select distinct segment_key from {{ ref('programmes') }}
),

visits as (
    select
        events.customer_id,
        {{ month_start('events.starts_on') }} as period_start
    from {{ ref('fct_business_events') }} as events
    inner join spine
        on events.occurred_at <= spine.as_of and events.starts_at <= spine.as_of
    where
        events.event_name = 'table_reserved'
        and {{ iso_weekday('events.starts_on') }} <= {{ last_weekday }}
        and events.starts_in_hour >= {{ from_hour }}
        and events.starts_in_hour < {{ until_hour }}
),

-- Months before the first visit are months without the input, not months without guests.
months as (
    select periods.period_start
    from {{ ref('periods') }} as periods
    where
        periods.period_grain = 'month'
        and periods.period_start >= (select min(visits.period_start) from visits)
),

of_segments as (
    select
        stays.segment_key,
        visits.period_start,
        count(*) as visit_count
    from {{ ref('kpi_stays') }} as stays
    inner join scopes
        on stays.segment_key = scopes.segment_key
    inner join visits
        on
            stays.customer_id = visits.customer_id
            and {{ held_on('stays', 'visits.period_start') }}
    group by stays.segment_key, visits.period_start
    union all
    select
        'all' as segment_key,
        period_start,
        count(*) as visit_count
    from visits
    group by period_start
)

select
    scopes.segment_key,
    months.period_start,
    cast(coalesce(of_segments.visit_count, 0) as bigint) as visit_count
from scopes
cross join months
left join of_segments
    on
        scopes.segment_key = of_segments.segment_key
        and months.period_start = of_segments.period_start
