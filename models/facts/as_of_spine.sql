with

spine as (
    select * from {{ source('run', 'as_of_spine') }}
),

settings as (
    select * from {{ source('run', 'settings') }}
)

select
    spine.as_of,
    {{ business_date('spine.as_of', 'settings.business_time_zone') }} as as_of_on,
    spine.basis,
    spine.as_of = settings.as_of as is_current
from spine
cross join settings
