with

stages as (
    select * from {{ ref('customer_lifecycle') }}
),

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

membership as (
    select * from {{ ref('segment_membership') }}
)

select
    stages.customer_id,
    stages.lifecycle_stage,
    membership.entered_at as stage_since
from stages
inner join spine
    on stages.as_of = spine.as_of
left join membership
    on
        stages.customer_id = membership.customer_id
        and membership.segment_key = 'lifecycle_' || stages.lifecycle_stage
