-- Shown, not refused: what needs the source says for itself that it is old.
select
    entity,
    owner,
    age_days
from {{ ref('source_inventory') }}
where freshness_verdict in ('stale', 'too_old')
