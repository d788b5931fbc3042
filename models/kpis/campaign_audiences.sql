-- Segments held before the campaign first spoke to the customer: what it moved does not decide.
with

contacts as (
    select
        campaign_id,
        customer_id,
        min(first_contacted_at) as first_contacted_at
    from {{ ref('campaign_contacts') }}
    group by campaign_id, customer_id
),

stays as (
    select * from {{ ref('segment_stays') }} where is_listed
),

nones as (
    select
        segment_key,
        exclusive_group
    from {{ ref('kpi_segments') }}
    where is_none
),

in_segments as (
    select
        contacts.campaign_id,
        contacts.customer_id,
        stays.segment_key,
        stays.exclusive_group
    from contacts
    inner join stays
        on
            contacts.customer_id = stays.customer_id
            and contacts.first_contacted_at > stays.valid_from
            and (stays.valid_to is null or contacts.first_contacted_at <= stays.valid_to)
)

select
    campaign_id,
    'all' as segment_key,
    customer_id
from contacts
union all
select
    campaign_id,
    segment_key,
    customer_id
from in_segments
union all
select
    contacts.campaign_id,
    nones.segment_key,
    contacts.customer_id
from contacts
cross join nones
left join in_segments
    on
        contacts.campaign_id = in_segments.campaign_id
        and contacts.customer_id = in_segments.customer_id
        and nones.exclusive_group = in_segments.exclusive_group
where in_segments.customer_id is null
