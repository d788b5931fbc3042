-- An amount that cannot be converted is missing from the bands of revenue. It is no revenue of this
-- business, so nothing is added up wrongly and the refresh goes on.
with

observed as (
    select observations.*
    from {{ ref('account_observations') }} as observations
    inner join {{ ref('as_of_spine') }} as spine
        on
            spine.is_current
            and (observations.observed_at is null or observations.observed_at <= spine.as_of)
)

select
    currency,
    min(observed_at) as first_observed_at,
    count(*) as row_count
from observed
where
    (annual_revenue is not null and reporting_annual_revenue is null)
    or (market_cap is not null and reporting_market_cap is null)
group by currency
