with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

segments as (
    select * from {{ ref('segments') }}
),

observed as (
    select
        sizes.segment_key,
        count(*) as instant_count,
        max(sizes.member_count) as greatest_count
    from {{ ref('segment_sizes') }} as sizes
    inner join spine on sizes.as_of > {{ add_minutes('spine.as_of', '-180 * 1440') }}
    group by sizes.segment_key
),

findings as (
    select
        segment_key,
        finding,
        subject,
        observed,
        expected,
        z_score,
        'adjust' as suggestion
    from {{ ref('kpi_findings') }}
    union all
    select
        segments.segment_key,
        'stale' as finding,
        'review_by ' || cast(segments.review_by as string) as subject,
        cast({{ days_between('segments.review_by', 'spine.as_of_on') }} as decimal(18, 6))
            as observed,
        cast(0 as decimal(18, 6)) as expected,
        cast(null as decimal(18, 2)) as z_score,
        'review' as suggestion
    from segments
    cross join spine
    where segments.review_by < spine.as_of_on
    union all
    select
        segments.segment_key,
        case when segments.member_count = 0 then 'empty' else 'too_small' end as finding,
        'member_count' as subject,
        cast(segments.member_count as decimal(18, 6)) as observed,
        cast(segments.minimum_size as decimal(18, 6)) as expected,
        cast(null as decimal(18, 2)) as z_score,
        case
            when observed.instant_count >= 3 and observed.greatest_count < segments.minimum_size
                then 'retire'
            else 'watch'
        end as suggestion
    from segments
    left join observed
        on segments.segment_key = observed.segment_key
    where segments.status in ('empty', 'too_small')
    union all
    select
        segment_key,
        'too_large' as finding,
        'share_of_base' as subject,
        share_of_base as observed,
        cast({{ var('segment_maximum_share') }} as decimal(18, 6)) as expected,
        cast(null as decimal(18, 2)) as z_score,
        'split' as suggestion
    from segments
    where status = 'too_large'
    union all
    select
        segment_a as segment_key,
        'overlapping' as finding,
        segment_b as subject,
        jaccard as observed,
        cast({{ var('review_overlap') }} as decimal(18, 6)) as expected,
        cast(null as decimal(18, 2)) as z_score,
        'merge' as suggestion
    from {{ ref('segment_overlap') }}
    where jaccard > cast({{ var('review_overlap') }} as decimal(18, 6))
    union all
    select
        spreads.segment_key,
        'spread' as finding,
        'share of revenue of the best fifth' as subject,
        spreads.best_fifth_share as observed,
        cast({{ var('review_spread') }} as decimal(18, 6)) as expected,
        cast(null as decimal(18, 2)) as z_score,
        'split' as suggestion
    from {{ ref('segment_spreads') }} as spreads
    inner join segments
        on spreads.segment_key = segments.segment_key
    where
        spreads.buyer_count >= 2 * segments.minimum_size
        and spreads.best_fifth_share > cast({{ var('review_spread') }} as decimal(18, 6))
)

select
    spine.as_of,
    findings.*
from findings
cross join spine
