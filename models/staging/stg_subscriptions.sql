{{ config(materialized='view') }}

with

subscriptions as (
    select * from {{ source('raw', 'subscriptions') }}
),

latest as (
    select *
    from subscriptions
    {{ keep_latest(['source_system', 'subscription_id', 'started_at']) }}
)

select
    source_system,
    subscription_id,
    customer_ref,
    account_ref,
    plan,
    coalesce(status, 'active') as status,
    upper(trim(currency)) as currency,
    monthly_amount,
    started_at,
    ended_at,
    trial_ends_at,
    _loaded_at as loaded_at
from latest
