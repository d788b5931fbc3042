-- Columns come from the contracts, so that a new one is measured without a word here.
with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

current_customers as (
    select profiles.*
    from {{ ref('customer_profiles') }} as profiles
    inner join spine
        on profiles.as_of = spine.as_of
),

current_accounts as (
    select profiles.*
    from {{ ref('account_profiles') }} as profiles
    inner join spine
        on profiles.as_of = spine.as_of
),

customer_columns as (
    {{ filled_counts('customer', 'customer_profiles', 'current_customers') | indent(4) }}
),

account_columns as (
    {{ filled_counts('account', 'account_profiles', 'current_accounts') | indent(4) }}
),

measured as (
    select * from customer_columns
    union all
    select * from account_columns
)

select
    entity,
    column_name,
    profile_count,
    filled_count,
    {{ ratio('filled_count', 'profile_count') }} as fill_rate
from measured
