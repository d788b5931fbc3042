-- Sizes are summed up from who entered and who left; counting the members themselves must agree at
-- every instant of this run, and so must the members that stand now. Leavers that stay are found
-- here.
with

observed as (
    select
        segment_key,
        as_of,
        count(*) as member_count
    from {{ ref('segment_membership_observed') }}
    group by segment_key, as_of
),

sizes as (
    select sizes.*
    from {{ ref('segment_sizes') }} as sizes
    inner join {{ ref('segment_observations') }} as observations
        on
            sizes.segment_key = observations.segment_key
            and sizes.as_of = observations.as_of
            and observations.is_new
),

standing as (
    select
        segment_key,
        count(*) as member_count
    from {{ ref('segment_members') }}
    group by segment_key
),

observed_now as (
    select observed.*
    from observed
    inner join {{ ref('as_of_spine') }} as spine
        on observed.as_of = spine.as_of and spine.is_current
)

select
    'sizes' as compared,
    sizes.segment_key,
    sizes.as_of,
    sizes.member_count,
    coalesce(observed.member_count, 0) as observed_count
from sizes
left join observed
    on sizes.segment_key = observed.segment_key and sizes.as_of = observed.as_of
where
    sizes.member_count <> coalesce(observed.member_count, 0)
    or sizes.opening_count + sizes.entered_count - sizes.exited_count <> sizes.member_count
    or sizes.opening_count < 0
union all
select
    'membership' as compared,
    coalesce(standing.segment_key, observed_now.segment_key) as segment_key,
    observed_now.as_of,
    coalesce(standing.member_count, 0) as member_count,
    coalesce(observed_now.member_count, 0) as observed_count
from standing
full outer join observed_now
    on standing.segment_key = observed_now.segment_key
where coalesce(standing.member_count, 0) <> coalesce(observed_now.member_count, 0)
