-- An account's orders and revenue are the sum over its contacts, straight from the facts: a contact
-- in two accounts would count twice, and what one bought before its account exists would be lost.
with

spine as (
    select * from {{ ref('as_of_spine') }}
),

facts as (
    select
        spine.as_of,
        contacts.account_id,
        sum(revenue.order_count) as order_count,
        sum(revenue.net_revenue) as net_revenue,
        sum(revenue.net_revenue) filter (
            where {{ in_last_days('revenue.occurred_on', 'spine.as_of_on', 365) }}
        ) as net_revenue_365d
    from {{ ref('fct_revenue') }} as revenue
    inner join spine
        on revenue.occurred_at <= spine.as_of
    inner join {{ ref('customer_accounts') }} as contacts
        on revenue.customer_id = contacts.customer_id
    group by spine.as_of, contacts.account_id
),

profiles as (
    select * from {{ ref('account_profiles') }}
)

select
    coalesce(profiles.account_id, facts.account_id) as account_id,
    profiles.net_revenue_lifetime as account_net_revenue,
    facts.net_revenue as contacts_net_revenue
from profiles
full outer join facts
    on profiles.as_of = facts.as_of and profiles.account_id = facts.account_id
where
    coalesce(profiles.order_count_lifetime, 0) <> coalesce(facts.order_count, 0)
    or coalesce(profiles.net_revenue_lifetime, 0) <> coalesce(facts.net_revenue, 0)
    or coalesce(profiles.net_revenue_365d, 0) <> coalesce(facts.net_revenue_365d, 0)
    or profiles.account_id is null
