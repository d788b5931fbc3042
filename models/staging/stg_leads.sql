{{ config(materialized='view') }}

with

leads as (
    select * from {{ source('raw', 'leads') }}
),

latest as (
    select *
    from leads
    {{ keep_latest(['source_system', 'lead_id']) }}
)

select
    source_system,
    lead_id,
    customer_ref,
    {{ normalise_email('email') }} as email,
    source,
    status,
    created_at,
    converted_at,
    lost_at,
    _loaded_at as loaded_at
from latest
