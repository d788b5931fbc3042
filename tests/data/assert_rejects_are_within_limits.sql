-- Of the files that are new in this refresh, so that a bad day does not hide behind a long history.
{% set limits = var('reject_limits') %}

with

limits as (
    select
        cast(null as string) as entity,
        cast({{ limits['default'] }} as decimal(9, 6)) as maximum_share
    {%- for entity in limits if entity != 'default' %}
    union all
    select
        '{{ entity }}' as entity,
        cast({{ limits[entity] }} as decimal(9, 6)) as maximum_share
    {%- endfor %}
),

new_files as (
    select
        files.entity,
        sum(files.rejected_rows) as rejected_rows,
        sum(files.line_count) as line_count
    from {{ source('run', 'source_files') }} as files
    inner join {{ source('run', 'settings') }} as settings
        on files.loaded_at = settings.built_at
    where files.retracted_at is null
    group by files.entity
),

limited as (
    select
        new_files.*,
        coalesce(own.maximum_share, of_all.maximum_share) as maximum_share
    from new_files
    inner join limits as of_all on of_all.entity is null
    left join limits as own on new_files.entity = own.entity
)

select
    entity,
    rejected_rows,
    line_count,
    maximum_share
from limited
where rejected_rows > maximum_share * line_count
