{{ config(materialized='view') }}

with

marketing_spend as (
    select * from {{ source('raw', 'marketing_spend') }}
),

-- A row without an id is an amount of its own: no other row replaces it.
latest as (
    select *
    from marketing_spend
    {{ keep_latest([
        'source_system',
        'spend_id',
        "case when spend_id is null then _batch_id end",
        'case when spend_id is null then _line_number end'
    ]) }}
)

select
    source_system,
    coalesce(spend_id, _batch_id || ':' || cast(_line_number as string)) as spend_key,
    spend_id,
    channel,
    campaign_id,
    cost_type,
    segment_key,
    upper(trim(currency)) as currency,
    amount,
    spend_date,
    _loaded_at as loaded_at
from latest
