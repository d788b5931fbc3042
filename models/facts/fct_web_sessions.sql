with

starts as (
    select * from {{ ref('fct_web_events') }}
    where is_session_start and customer_id is not null
),

origins as (
    select * from {{ ref('web_session_origins') }}
)

select
    starts.customer_id,
    starts.session_key,
    starts.source_system,
    starts.event_id,
    origins.channel,
    origins.touch_source,
    origins.campaign_id,
    origins.device,
    cast(row_number() over (
        partition by starts.customer_id
        order by
            starts.occurred_at asc nulls last,
            starts.event_id asc nulls last,
            starts.source_system asc nulls last
    ) as int) as session_number,
    starts.occurred_at as started_at,
    starts.occurred_on as started_on,
    lead(starts.occurred_at) over (
        partition by starts.customer_id
        order by
            starts.occurred_at asc nulls last,
            starts.event_id asc nulls last,
            starts.source_system asc nulls last
    ) as next_started_at
from starts
inner join origins
    on starts.session_key = origins.session_key
