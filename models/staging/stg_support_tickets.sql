{{ config(materialized='view') }}

with

support_tickets as (
    select * from {{ source('raw', 'support_tickets') }}
),

latest as (
    select *
    from support_tickets
    {{ keep_latest(['source_system', 'ticket_id']) }}
)

select
    source_system,
    ticket_id,
    customer_ref,
    {{ normalise_email('email') }} as email,
    category,
    priority,
    csat_score,
    coalesce(feature_request, false) as is_feature_request,
    opened_at,
    closed_at,
    _loaded_at as loaded_at
from latest
