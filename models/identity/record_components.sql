with

by_all as (
    select * from {{ ref('linked_by_all') }}
),

by_email_or_phone as (
    select * from {{ ref('linked_by_email_or_phone') }}
),

by_email as (
    select * from {{ ref('linked_by_email') }}
)

select
    by_all.record_id,
    coalesce(
        by_all.component_id, by_email_or_phone.component_id, by_email.component_id
    ) as component_id,
    case
        when by_all.component_id is not null then 'all'
        when by_email_or_phone.component_id is not null then 'email or phone'
        when by_email.component_id is not null then 'email'
    end as linked_by,
    by_all.is_over as is_over_merged
from by_all
left join by_email_or_phone
    on by_all.record_id = by_email_or_phone.record_id
left join by_email
    on by_all.record_id = by_email.record_id
