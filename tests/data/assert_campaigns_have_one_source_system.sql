-- Spend and visits name a campaign by its id alone, so one id in two systems is one campaign.
select
    campaign_id,
    count(distinct source_system) as source_system_count
from {{ ref('stg_campaigns') }}
group by campaign_id
having count(distinct source_system) > 1
