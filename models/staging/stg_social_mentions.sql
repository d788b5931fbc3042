{{ config(materialized='view') }}

with

social_mentions as (
    select * from {{ source('raw', 'social_mentions') }}
),

latest as (
    select *
    from social_mentions
    {{ keep_latest(['source_system', 'mention_id']) }}
)

select
    source_system,
    mention_id,
    customer_ref,
    platform,
    kind,
    sentiment,
    occurred_at,
    _loaded_at as loaded_at
from latest
