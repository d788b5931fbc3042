{#- definitions.md: the latest rate on or before the business date, and at most 7 days old. -#}
{% set oldest_days = 7 %}

with

rates as (
    select * from {{ ref('stg_fx_rates') }}
),

-- A rate holds from its day until the next one of its currency.
with_next as (
    select
        source_system,
        currency,
        rate_to_reporting,
        rate_date,
        lead(rate_date) over (
            partition by source_system, currency
            order by rate_date asc nulls last
        ) as next_rate_date
    from rates
),

ages as (
    {% for age in range(oldest_days + 1) -%}
    select {{ age }} as age_days
    {%- if not loop.last %}
    union all
    {% endif %}
    {%- endfor %}
),

-- One row per day, so that an amount finds its rate by equality, which scales on either engine.
days as (
    select
        with_next.currency,
        with_next.rate_to_reporting,
        with_next.next_rate_date,
        {{ add_days('with_next.rate_date', 'ages.age_days') }} as rate_on
    from with_next
    cross join ages
)

-- Two systems that give the same rate are one; that they differ is for the unique test to find.
select distinct
    currency,
    rate_to_reporting,
    rate_on
from days
where next_rate_date is null or rate_on < next_rate_date
