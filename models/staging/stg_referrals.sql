{{ config(materialized='view') }}

with

referrals as (
    select * from {{ source('raw', 'referrals') }}
),

latest as (
    select *
    from referrals
    {{ keep_latest(['source_system', 'referrer_ref', 'referred_ref']) }}
)

select
    source_system,
    referrer_ref,
    referred_ref,
    referred_at,
    _loaded_at as loaded_at
from latest
