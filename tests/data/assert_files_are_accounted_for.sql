-- Nothing is lost between a file and its rows.
select
    entity,
    source_file,
    line_count,
    accepted_rows,
    rejected_rows,
    filtered_rows,
    repeated_rows
from {{ ref('source_files') }}
where accepted_rows + rejected_rows + filtered_rows + repeated_rows <> line_count
