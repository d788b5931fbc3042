with

history as (
    select * from {{ ref('segment_membership_history') }}
),

catalogue as (
    select * from {{ ref('segment_catalogue') }}
),

settings as (
    select * from {{ source('run', 'settings') }}
)

select
    history.segment_key,
    catalogue.exclusive_group,
    history.customer_id,
    history.valid_from,
    {{ business_date('history.valid_from', 'settings.business_time_zone') }} as valid_from_on,
    {{ business_date('history.valid_to', 'settings.business_time_zone') }} as valid_to_on
from history
cross join settings
inner join catalogue
    on history.segment_key = catalogue.segment_key
