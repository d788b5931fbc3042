-- Two periods of one subscription at one time count its amount twice.
with

periods as (
    select
        source_system,
        subscription_id,
        started_at,
        ended_at,
        lead(started_at) over (
            partition by source_system, subscription_id order by started_at asc nulls last
        ) as next_started_at
    from {{ ref('stg_subscriptions') }}
)

select
    source_system,
    count(*) as period_count
from periods
where next_started_at is not null and (ended_at is null or ended_at > next_started_at)
group by source_system
