-- Without a campaign nobody knows whether holdouts were left alone, nor when the window ends.
select
    source_system,
    experiment_id,
    without_campaign_count
from {{ ref('experiments') }}
where without_campaign_count > 0
