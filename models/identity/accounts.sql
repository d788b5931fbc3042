with

account_sightings as (
    select * from {{ ref('account_sightings') }}
),

contacts as (
    select * from {{ ref('customer_accounts') }}
),

customers as (
    select * from {{ ref('customers') }}
),

first_contacts as (
    select
        contacts.account_id,
        count(*) = count(customers.first_seen_at) as is_dated,
        min(customers.first_seen_at) as first_seen_at
    from contacts
    inner join customers
        on contacts.customer_id = customers.customer_id
    group by contacts.account_id
)

-- A contact may have ordered before anything named the account: it is there from then on, or the
-- contact's revenue would be of no account for a while.
select
    {{ account_id_of('account_sightings.source_system', 'account_sightings.account_ref') }}
        as account_id,
    account_sightings.source_system,
    account_sightings.account_ref,
    case
        when
            account_sightings.first_seen_at is not null
            and coalesce(first_contacts.is_dated, true)
            then least(
                account_sightings.first_seen_at,
                coalesce(first_contacts.first_seen_at, account_sightings.first_seen_at)
            )
    end as first_seen_at
from account_sightings
left join first_contacts
    on
        {{ account_id_of('account_sightings.source_system', 'account_sightings.account_ref') }}
        = first_contacts.account_id
