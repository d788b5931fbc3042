-- Counts only: the refused values themselves never leave quarantine.
with

source_files as (
    select * from {{ source('run', 'source_files') }}
),

rejects as (
    select * from {{ source('run', 'rejects') }}
),

reasons as (
    select
        batch_id,
        entity,
        reason,
        cast(count(*) as bigint) as rejected_rows
    from rejects
    group by batch_id, entity, reason
)

select
    source_files.entity,
    source_files.source_file,
    reasons.reason,
    coalesce(reasons.rejected_rows, 0) as rejected_rows
from source_files
left join reasons
    on source_files.batch_id = reasons.batch_id and source_files.entity = reasons.entity
