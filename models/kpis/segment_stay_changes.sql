-- For who was in on a day, changes are added up: a stay lasts many days. Of a segment of accounts
-- the stays are those of their contacts, and the accounts are counted beside them.
with

settings as (
    select * from {{ source('run', 'settings') }}
),

stays as (
    select
        segment_key,
        exclusive_group,
        valid_from_on,
        valid_to_on,
        1 as customer_count,
        case when entity = 'customer' then 1 else 0 end as member_count
    from {{ ref('segment_stays') }}
    where is_listed
    union all
    select
        observed.segment_key,
        catalogue.exclusive_group,
        {{ business_date('observed.valid_from', 'settings.business_time_zone') }} as valid_from_on,
        {{ business_date('observed.valid_to', 'settings.business_time_zone') }} as valid_to_on,
        0 as customer_count,
        1 as member_count
    from {{ ref('account_segment_membership_history') }} as observed
    cross join settings
    inner join {{ ref('accounts') }} as known
        on observed.account_id = known.account_id
    inner join {{ ref('segment_catalogue') }} as catalogue
        on observed.segment_key = catalogue.segment_key
),

ends as (
    select
        segment_key,
        exclusive_group,
        valid_from_on as changed_on,
        customer_count,
        member_count
    from stays
    union all
    select
        segment_key,
        exclusive_group,
        valid_to_on as changed_on,
        -customer_count as customer_count,
        -member_count as member_count
    from stays
    where valid_to_on is not null
)

select
    segment_key,
    exclusive_group,
    changed_on,
    cast(sum(customer_count) as bigint) as change_count,
    cast(sum(member_count) as bigint) as member_change_count
from ends
group by segment_key, exclusive_group, changed_on
