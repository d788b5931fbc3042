-- Counts only: the refused values themselves never leave quarantine. A file that is read by several
-- blocks of the mapping, or was delivered again under its name, is one file here.
with

source_files as (
    select * from {{ source('run', 'source_files') }} where retracted_at is null
),

rejects as (
    select * from {{ source('run', 'rejects') }}
),

files as (
    select distinct
        entity,
        source_file
    from source_files
),

reasons as (
    select
        entity,
        source_file,
        reason,
        cast(count(*) as bigint) as rejected_rows
    from rejects
    group by entity, source_file, reason
)

select
    files.entity,
    files.source_file,
    reasons.reason,
    coalesce(reasons.rejected_rows, 0) as rejected_rows
from files
left join reasons
    on files.entity = reasons.entity and files.source_file = reasons.source_file
