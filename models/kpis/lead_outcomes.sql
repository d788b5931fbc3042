with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

leads as (
    select
        leads.*,
        coalesce(leads.converted_at <= spine.as_of, false) as is_converted,
        -- Until when a message nurtures it.
        least(leads.converted_at, leads.lost_at, {{ next_instant('spine.as_of') }}) as open_until
    from {{ ref('fct_leads') }} as leads
    inner join spine
        on leads.created_at <= spine.as_of
),

contacts as (
    select * from {{ ref('customer_contacts') }} where contacted_at is not null
),

nurtured as (
    select distinct
        leads.source_system,
        leads.lead_id
    from leads
    inner join contacts
        on
            leads.customer_id = contacts.customer_id
            and leads.created_at <= contacts.contacted_at
            and leads.open_until > contacts.contacted_at
),

outcomes as (
    select
        leads.source_system,
        leads.lead_id,
        leads.customer_id,
        leads.created_on,
        1 as lead_count,
        case when leads.is_converted then 1 else 0 end as converted_lead_count,
        case when nurtured.lead_id is not null then 1 else 0 end as nurtured_lead_count
    from leads
    left join nurtured
        on leads.source_system = nurtured.source_system and leads.lead_id = nurtured.lead_id
)

select
    *,
    converted_lead_count * nurtured_lead_count as converted_nurtured_lead_count
from outcomes
