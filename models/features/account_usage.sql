with

attributes as (
    select * from {{ ref('account_attributes') }}
),

product_usage as (
    select * from {{ ref('stg_product_usage') }}
),

links as (
    select * from {{ ref('customer_links') }}
),

contacts as (
    select * from {{ ref('customer_accounts') }}
),

-- A row that names an account is that account's, whoever else it names.
of_accounts as (
    select
        {{ account_id_of('source_system', 'account_ref') }} as account_id,
        feature,
        used_on
    from product_usage
    where account_ref is not null
    union all
    select
        contacts.account_id,
        product_usage.feature,
        product_usage.used_on
    from product_usage
    inner join links
        on {{ names_record('product_usage', 'links', has_email=false) | indent(8) }}
    inner join contacts
        on links.customer_id = contacts.customer_id
    where product_usage.account_ref is null
),

used as (
    select
        attributes.as_of,
        attributes.account_id,
        cast(count(distinct case
            when {{ in_last_days('of_accounts.used_on', 'attributes.as_of_on', 30) }}
                then of_accounts.used_on
        end) as int) as usage_day_count_30d,
        cast(count(distinct case
            when {{ in_last_days('of_accounts.used_on', 'attributes.as_of_on', 90) }}
                then of_accounts.feature
        end) as int) as feature_count_90d
    from attributes
    inner join of_accounts
        on attributes.account_id = of_accounts.account_id
    group by attributes.as_of, attributes.account_id
),

first_use as (
    select min(used_on) as first_used_on from product_usage
)

select
    attributes.as_of,
    attributes.account_id,
    case
        when first_use.first_used_on <= attributes.as_of_on
            then coalesce(used.usage_day_count_30d, 0)
    end as usage_day_count_30d,
    case
        when first_use.first_used_on <= attributes.as_of_on then coalesce(used.feature_count_90d, 0)
    end as feature_count_90d
from attributes
cross join first_use
left join used
    on attributes.as_of = used.as_of and attributes.account_id = used.account_id
