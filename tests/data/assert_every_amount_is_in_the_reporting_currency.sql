-- Amounts of two currencies are never added up. A missing currency is the reporting currency.
with

amounts as (
    select
        'orders' as entity,
        currency
    from {{ ref('fct_orders') }}
    where is_counting
    union all
    select
        'refunds' as entity,
        currency
    from {{ ref('fct_refunds') }}
    where is_counting
)

select
    amounts.entity,
    amounts.currency,
    count(*) as record_count
from amounts
cross join {{ source('run', 'settings') }} as settings
where
    amounts.currency is not null
    and (settings.reporting_currency is null or amounts.currency <> settings.reporting_currency)
group by amounts.entity, amounts.currency
