{{ config(materialized='view') }}

with

consents as (
    select * from {{ source('raw', 'consents') }}
),

latest as (
    select *
    from consents
    {{ keep_latest([
        'source_system',
        'customer_ref',
        normalise_email('email'),
        "coalesce(channel, 'all')",
        'purpose',
        'changed_at'
    ]) }}
)

select
    source_system,
    customer_ref,
    {{ normalise_email('email') }} as email,
    coalesce(channel, 'all') as channel,
    purpose,
    source,
    granted as is_granted,
    changed_at,
    _loaded_at as loaded_at
from latest
