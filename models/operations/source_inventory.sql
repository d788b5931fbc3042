-- Counted from what ingestion recorded of each file, so that it costs the same however long the
-- history is.
with

declared as (
    {{ declared_inputs() | indent(4) }}
),

files as (
    select * from {{ source('run', 'source_files') }} where retracted_at is null
),

settings as (
    select
        as_of,
        {{ business_date('as_of', 'business_time_zone') }} as as_of_on,
        business_time_zone
    from {{ source('run', 'settings') }}
),

landed as (
    select
        entity,
        count(*) as file_count,
        sum(accepted_rows) as row_count,
        min(first_event_at) as first_event_at,
        max(last_event_at) as last_event_at,
        max(loaded_at) as last_loaded_at
    from files
    group by entity
),

-- What has no event time is as old as its last file.
dated as (
    select
        landed.*,
        {{ business_date(
            'coalesce(landed.last_event_at, landed.last_loaded_at)', 'settings.business_time_zone'
        ) }} as newest_on,
        settings.as_of_on
    from landed
    cross join settings
),

aged as (
    select
        dated.*,
        greatest({{ days_between('newest_on', 'as_of_on') }}, 0) as age_days
    from dated
)

select
    declared.entity,
    declared.owner,
    declared.requirement,
    case
        when aged.entity is null then 'never_came'
        when coalesce(declared.warn_after_days, declared.error_after_days) is null
            then 'not_watched'
        when aged.age_days > declared.error_after_days then 'too_old'
        when aged.age_days > declared.warn_after_days then 'stale'
        else 'fresh'
    end as freshness_verdict,
    declared.used_by,
    cast(coalesce(aged.file_count, 0) as bigint) as file_count,
    cast(coalesce(aged.row_count, 0) as bigint) as row_count,
    aged.age_days,
    declared.warn_after_days,
    declared.error_after_days,
    aged.first_event_at,
    aged.last_event_at,
    aged.last_loaded_at
from declared
left join aged on declared.entity = aged.entity
