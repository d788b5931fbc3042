{{ config(materialized='view') }}

with

campaigns as (
    select * from {{ source('raw', 'campaigns') }}
),

latest as (
    select *
    from campaigns
    {{ keep_latest(['source_system', 'campaign_id']) }}
)

select
    source_system,
    campaign_id,
    name as campaign_name,
    channel,
    objective,
    target_segment,
    offer_code,
    manual_minutes,
    is_promotional,
    is_segmented,
    requested_at,
    started_at,
    ended_at,
    _loaded_at as loaded_at
from latest
