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

counted as (
    select * from customer_columns
    union all
    select * from account_columns
),

customer_associations as (
    {{ goal_associations('customer', 'customer_profiles', 'current_customers') | indent(4) }}
),

account_associations as (
    {{ goal_associations('account', 'account_profiles', 'current_accounts') | indent(4) }}
),

associated as (
    select * from customer_associations
    union all
    select * from account_associations
)

select
    counted.entity,
    counted.column_name,
    counted.profile_count,
    counted.filled_count,
    {{ ratio('counted.filled_count', 'counted.profile_count') }} as fill_rate,
    counted.association_method,
    associated.association,
    case
        when counted.association_method is not null then coalesce(associated.sample_size, 0)
    end as sample_size
from counted
left join associated
    on counted.entity = associated.entity and counted.column_name = associated.column_name
