{{ config(materialized='view') }}

with

owners as (
    select * from {{ ref('record_owners') }}
),

erased as (
    select * from {{ ref('erased_records') }}
)

select
    owners.record_id,
    owners.record_kind,
    owners.source_system,
    owners.reference,
    owners.first_seen_at,
    case when erased.record_id is null then owners.customer_id end as customer_id,
    owners.is_over_merged
from owners
left join erased
    on owners.record_id = erased.record_id
