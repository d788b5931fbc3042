with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

firsts as (
    select
        revenue.customer_id,
        min(revenue.occurred_at) as acquired_at,
        min(revenue.occurred_on) as acquired_on
    from {{ ref('fct_revenue') }} as revenue
    inner join spine
        on revenue.occurred_at <= spine.as_of
    where revenue.kind = 'order' and revenue.customer_id is not null
    group by revenue.customer_id
),

observations as (
    select
        segment_key,
        as_of,
        lag(as_of) over (partition by segment_key order by as_of asc nulls last) as previous_as_of
    from {{ ref('segment_observations') }}
),

stays as (
    select * from {{ ref('segment_stays') }}
)

select
    'all' as segment_key,
    customer_id,
    acquired_on
from firsts
union all
select
    observations.segment_key,
    firsts.customer_id,
    firsts.acquired_on
from firsts
inner join observations
    on
        firsts.acquired_at <= observations.as_of
        and (
            observations.previous_as_of is null
            or firsts.acquired_at > observations.previous_as_of
        )
inner join stays
    on
        firsts.customer_id = stays.customer_id
        and observations.segment_key = stays.segment_key
        and observations.as_of >= stays.valid_from
        and (stays.valid_to is null or observations.as_of < stays.valid_to)
