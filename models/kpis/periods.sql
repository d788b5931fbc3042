with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

revenue as (
    select * from {{ ref('fct_revenue') }}
),

span as (
    select
        {{ month_start('min(revenue.occurred_on)') }} as first_month,
        {{ month_start('max(spine.as_of_on)') }} as last_month
    from revenue
    inner join spine
        on revenue.occurred_at <= spine.as_of
    where revenue.kind = 'order'
),

months as (
    {{ date_series('span', 'first_month', 'last_month', 'month') | indent(4) }}
)

-- closes_on is the last business day that counts: the period's end, or the as_of of an open period.
select
    'month' as period_grain,
    months.day as period_start,
    {{ month_end('months.day') }} as period_end,
    least({{ month_end('months.day') }}, spine.as_of_on) as closes_on
from months
cross join spine
