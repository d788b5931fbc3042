-- What was published as before stays so: a late order, or a segment defined anew, does not move the
-- base that a programme is measured against. Other bounds or another scope are another baseline.
with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

published as (
    select * from {{ source('state', 'programme_baselines') }}
),

measured as (
    select * from {{ ref('programme_metrics') }}
    where phase = 'before' and is_over and numerator is not null
)

select
    programme,
    segment_key,
    before_start,
    before_end,
    metric,
    numerator,
    denominator,
    sample_size,
    quality_verdict,
    as_of,
    basis,
    false as is_new
from published
union all
select
    measured.programme,
    measured.segment_key,
    measured.starts_on as before_start,
    measured.ends_on as before_end,
    measured.metric,
    measured.numerator,
    measured.denominator,
    measured.sample_size,
    measured.quality_verdict,
    spine.as_of,
    'published' as basis,
    true as is_new
from measured
cross join spine
left join published
    on
        measured.programme = published.programme
        and measured.segment_key = published.segment_key
        and measured.starts_on = published.before_start
        and measured.ends_on = published.before_end
        and measured.metric = published.metric
where published.programme is null
