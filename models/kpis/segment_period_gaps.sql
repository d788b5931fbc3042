-- The median of an even number is midway between the two in the middle: the first gap that half of
-- them do not exceed, and the first that more than half do not.
with

counts as (
    select * from {{ ref('segment_gap_counts') }}
),

placed as (
    select
        period_grain,
        period_start,
        segment_key,
        gap_days,
        sum(gap_count) over (
            partition by period_grain, period_start, segment_key order by gap_days asc nulls last
            rows between unbounded preceding and current row
        ) as place,
        sum(gap_count) over (partition by period_grain, period_start, segment_key) as gap_count
    from counts
)

select
    period_grain,
    period_start,
    segment_key,
    cast(
        0.5 * (
            min(gap_days) filter (where place * 2 >= gap_count)
            + min(gap_days) filter (where place * 2 > gap_count)
        ) as decimal(18, 4)
    ) as median_gap_days,
    cast(max(gap_count) as bigint) as gap_count
from placed
where gap_count > 0
group by period_grain, period_start, segment_key
