-- A value in a gap is in no band and drops out of every count; one in two doubles its customer.
with

bands as (
    select
        'age_bands' as seed,
        from_age as first_value,
        below_age as end_value,
        cast(null as int) as last_end_value
    from {{ ref('age_bands') }}
    union all
    select
        'engagement_levels' as seed,
        from_score as first_value,
        below_score as end_value,
        cast(null as int) as last_end_value
    from {{ ref('engagement_levels') }}
    union all
    select
        'hour_bands' as seed,
        from_hour as first_value,
        below_hour as end_value,
        24 as last_end_value
    from {{ ref('hour_bands') }}
),

beside as (
    select
        *,
        coalesce(lag(end_value) over (
            partition by seed order by first_value asc nulls first
        ), 0) as previous_end_value,
        row_number() over (partition by seed order by first_value asc nulls first) = 1 as is_first,
        row_number() over (partition by seed order by first_value desc nulls last) = 1 as is_last
    from bands
)

select
    seed,
    first_value,
    end_value
from beside
where
    first_value is null
    or first_value <> previous_end_value
    or (not is_first and previous_end_value = 0)
    or end_value <= first_value
    or (is_last and coalesce(end_value, -1) <> coalesce(last_end_value, -1))
