with

events as (
    select * from {{ ref('web_event_visitors') }}
),

settings as (
    select * from {{ source('run', 'settings') }}
),

with_previous as (
    select
        *,
        lag(occurred_at) over (
            partition by visitor_number order by occurred_at asc nulls last
        ) as visitor_previous_at
    from events
),

-- A session that was exported with its id has no gaps: its visitor is the session.
with_starts as (
    select
        *,
        max(
            case
                when
                    visitor_previous_at is null
                    or (
                        not has_session_id
                        and occurred_at
                        > {{ add_minutes('visitor_previous_at', session_gap_minutes()) }}
                    )
                    then occurred_at
            end
        ) over (
            partition by visitor_number order by occurred_at asc nulls last
        ) as session_started_at
    from with_previous
),

-- Of the same customer, or of nobody.
with_own_previous as (
    select
        *,
        lag(occurred_at) over (
            partition by visitor_number, customer_id
            order by occurred_at asc nulls last, event_id asc nulls last
        ) as own_previous_at
    from with_starts
)

select
    events.customer_id,
    {{ session_key('events.visitor_number', 'events.session_started_at') }} as session_key,
    events.source_system,
    events.event_id,
    events.event_name,
    events.product_id,
    events.cart_id,
    coalesce(events.own_previous_at < events.session_started_at, true) as is_session_start,
    case
        when events.own_previous_at >= events.session_started_at
            then cast(
                {{ seconds_between('events.own_previous_at', 'events.occurred_at') }} as int
            )
    end as seconds_since_previous,
    events.occurred_at,
    {{ business_date('events.occurred_at', 'settings.business_time_zone') }} as occurred_on
from with_own_previous as events
cross join settings
