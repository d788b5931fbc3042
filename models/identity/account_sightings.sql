with

sightings as (
    select
        source_system,
        account_ref,
        created_at as seen_at
    from {{ ref('stg_customers') }}
    where account_ref is not null
    union all
    select
        source_system,
        account_ref,
        started_at as seen_at
    from {{ ref('stg_subscriptions') }}
    where account_ref is not null
    union all
    select
        source_system,
        account_ref,
        used_at as seen_at
    from {{ ref('stg_product_usage') }}
    where account_ref is not null
    union all
    select
        source_system,
        account_ref,
        observed_at as seen_at
    from {{ ref('stg_accounts') }}
    union all
    select
        source_system,
        parent_account_ref as account_ref,
        observed_at as seen_at
    from {{ ref('stg_accounts') }}
    where parent_account_ref is not null
)

select
    source_system,
    account_ref,
    case when count(*) = count(seen_at) then min(seen_at) end as first_seen_at
from sightings
group by source_system, account_ref
