-- It counts for the campaign that it names, of which only what it cost will be known.
with

campaigns as (
    select distinct campaign_id from {{ ref('stg_campaigns') }}
)

select
    spend.campaign_id,
    count(*) as row_count
from {{ ref('fct_spend') }} as spend
left join campaigns
    on spend.campaign_id = campaigns.campaign_id
where spend.campaign_id is not null and campaigns.campaign_id is null
group by spend.campaign_id
