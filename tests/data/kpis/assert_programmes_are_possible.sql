-- Months before that end after the start measure the programme against itself.
with

programmes as (
    select * from {{ ref('segmentation_programmes') }}
),

faults as (
    select
        programme,
        'a date is missing' as fault
    from programmes
    where
        before_start is null or before_end is null or started_on is null
        or after_start is null or after_end is null
    union all
    select
        programme,
        'before_start, before_end, started_on, after_start, after_end are not in order' as fault
    from programmes
    where
        before_start > before_end or before_end >= started_on
        or started_on > after_start or after_start > after_end
    union all
    select
        programme,
        'before and after are not whole months' as fault
    from programmes
    where
        before_start <> {{ month_start('before_start') }}
        or before_end <> {{ month_end('before_end') }}
        or after_start <> {{ month_start('after_start') }}
        or after_end <> {{ month_end('after_end') }}
    union all
    select
        programmes.programme,
        'its segment_key is no segment that is on' as fault
    from programmes
    left join {{ ref('kpi_segments') }} as segments
        on programmes.segment_key = segments.segment_key
    where segments.segment_key is null
    union all
    select
        programme,
        'its margin_rate is not from 0 to 1, or its cost is below 0' as fault
    from programmes
    where margin_rate < 0 or margin_rate > 1 or cost < 0
    union all
    select
        programme,
        'it names an experiment without its source_system or experiment_arm' as fault
    from programmes
    where experiment_id is not null and (source_system is null or experiment_arm is null)
)

select
    programme,
    fault
from faults
