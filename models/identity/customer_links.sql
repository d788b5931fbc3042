with

records as (
    select * from {{ ref('record_customers') }} where customer_id is not null
),

linked as (
    select
        record_id,
        identifier_kind
    from {{ ref('record_links') }}
    union all
    select
        linked_record_id as record_id,
        identifier_kind
    from {{ ref('record_links') }}
),

reasons as (
    select
        record_id,
        concat_ws(
            ', ',
            case when bool_or(identifier_kind = 'email') then 'email' end,
            case when bool_or(identifier_kind = 'phone') then 'phone' end,
            case when bool_or(identifier_kind = 'probable') then 'probable' end
        ) as link_reason
    from linked
    group by record_id
)

select
    records.record_id,
    records.record_kind,
    records.source_system,
    records.reference,
    records.first_seen_at,
    records.customer_id,
    case
        when reasons.record_id is null then 'alone'
        when records.record_id = records.customer_id then 'first'
        else reasons.link_reason
    end as link_reason,
    records.is_over_merged
from records
left join reasons
    on records.record_id = reasons.record_id
