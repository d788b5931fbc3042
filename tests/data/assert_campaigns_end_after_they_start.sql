-- The dates of one of the two are wrong; figures of a campaign do not depend on its end.
select
    source_system,
    campaign_id,
    started_at,
    ended_at
from {{ ref('stg_campaigns') }}
where ended_at < started_at
