with

source_files as (
    select * from {{ source('run', 'source_files') }}
)

select
    entity,
    source_file,
    line_count,
    accepted_rows,
    rejected_rows,
    filtered_rows,
    repeated_rows,
    loaded_at,
    batch_id,
    retracted_at,
    retraction_reason,
    ignored_columns
from source_files
