-- Nearly every event comes once. Counting finds the others at a tenth of what sorting all costs.
with

web_events as (
    select * from {{ source('raw', 'web_events') }}
),

repeated as (
    select
        source_system,
        event_id
    from web_events
    group by source_system, event_id
    having count(*) > 1
)

select
    web_events.source_system,
    web_events.event_id,
    web_events._batch_id,
    web_events._line_number
from web_events
inner join repeated
    on
        web_events.source_system = repeated.source_system
        and web_events.event_id = repeated.event_id
{{ keep_latest(['web_events.source_system', 'web_events.event_id']) }}
