with

links as (
    select * from {{ ref('customer_links') }}
),

settings as (
    select * from {{ source('run', 'settings') }}
)

select
    links.customer_id,
    links.record_id,
    links.record_kind,
    links.source_system,
    links.first_seen_at,
    links.link_reason,
    links.is_over_merged
from links
cross join settings
where links.first_seen_at is null or links.first_seen_at <= settings.as_of
