with

history as (
    select * from {{ ref('segment_membership_history') }}
),

account_history as (
    select * from {{ ref('account_segment_membership_history') }}
),

contacts as (
    select * from {{ ref('customer_accounts') }}
),

customers as (
    select * from {{ ref('known_customers') }}
),

successors as (
    select distinct customer_id from {{ ref('customer_id_map') }}
),

catalogue as (
    select * from {{ ref('segment_catalogue') }}
),

settings as (
    select * from {{ source('run', 'settings') }}
),

-- What is divided by members has only those whose facts are known: nobody who is gone. Who took
-- the place of others comes with their stays.
stays as (
    select
        'customer' as entity,
        history.segment_key,
        history.customer_id,
        history.valid_from,
        history.valid_to
    from history
    inner join customers
        on history.customer_id = customers.customer_id
    left join successors
        on history.customer_id = successors.customer_id
    where successors.customer_id is null
    union all
    select
        'customer' as entity,
        segment_key,
        customer_id,
        valid_from,
        valid_to
    from {{ ref('successor_stays') }}
    union all
    -- The people of an account are its contacts, each from when anybody knows of them.
    select
        'account' as entity,
        account_history.segment_key,
        contacts.customer_id,
        greatest(
            account_history.valid_from,
            coalesce(customers.first_seen_at, account_history.valid_from)
        ) as valid_from,
        account_history.valid_to
    from account_history
    inner join contacts
        on account_history.account_id = contacts.account_id
    inner join customers
        on contacts.customer_id = customers.customer_id
    where
        account_history.valid_to is null
        or customers.first_seen_at is null
        or account_history.valid_to > customers.first_seen_at
)

select
    stays.segment_key,
    catalogue.exclusive_group,
    stays.entity,
    stays.customer_id,
    catalogue.segment_key is not null as is_listed,
    stays.valid_from,
    stays.valid_to,
    {{ business_date('stays.valid_from', 'settings.business_time_zone') }} as valid_from_on,
    {{ business_date('stays.valid_to', 'settings.business_time_zone') }} as valid_to_on
from stays
cross join settings
left join catalogue
    on stays.segment_key = catalogue.segment_key
