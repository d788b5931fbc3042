{{ config(materialized='view') }}

with

experiment_assignments as (
    select * from {{ source('raw', 'experiment_assignments') }}
),

latest as (
    select *
    from experiment_assignments
    {{ keep_latest(['source_system', 'experiment_id', 'customer_ref']) }}
)

select
    source_system,
    experiment_id,
    customer_ref,
    arm,
    campaign_id,
    segment_key,
    assigned_at,
    _loaded_at as loaded_at
from latest
