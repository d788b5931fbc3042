with

settings as (
    select * from {{ source('run', 'settings') }}
)

select
    run_id,
    as_of,
    built_at,
    project_version,
    reporting_currency,
    business_time_zone
from settings
