-- An export that broke writes a header and nothing else. Without this check such a day would pass
-- as a day without orders.
select
    files.entity,
    min(files.source_file) as source_file,
    count(*) as file_count
from {{ source('run', 'source_files') }} as files
inner join {{ source('run', 'settings') }} as settings
    on files.loaded_at = settings.built_at
where files.entity in ('orders', 'order_lines') and files.retracted_at is null
group by files.entity
having sum(files.line_count) = 0
