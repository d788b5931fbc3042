with

periods as (
    select * from {{ ref('periods') }} where is_long
),

sizes as (
    select
        periods.period_grain,
        periods.period_start as kpi_period_start,
        sizes.customer_count
    from {{ ref('stg_market_sizes') }} as sizes
    inner join periods
        on sizes.period_start <= periods.closes_on
    where sizes.customer_count is not null
    qualify
        row_number() over (
            partition by
                periods.period_grain,
                periods.period_start,
                sizes.source_system,
                sizes.market,
                sizes.country,
                sizes.region
            order by sizes.period_start desc nulls last
        ) = 1
)

select
    period_grain,
    kpi_period_start as period_start,
    cast(sum(customer_count) as decimal(38, 4)) as market_customer_count
from sizes
group by period_grain, kpi_period_start
