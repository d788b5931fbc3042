-- Where each customer stands when a month closes is where their last day before left them, and 365
-- days before it likewise: two look-ups, for running sums need not be added up again.
with

months as (
    select
        period_start as month_start,
        {{ add_days('closes_on', -365) }} as closes_a_year_before_on,
        closes_on
    from {{ ref('periods') }}
    where period_grain = 'month'
),

revenue_days as (
    select * from {{ ref('customer_revenue_days') }} where customer_id is not null
),

dates as (
    select distinct occurred_on from revenue_days
),

-- The first month whose close has a day behind it, and the first with the day a year behind it.
first_months as (
    select
        dates.occurred_on,
        min(months.month_start) filter (where dates.occurred_on <= months.closes_on) as seen_in,
        min(months.month_start) filter (
            where dates.occurred_on <= months.closes_a_year_before_on
        ) as passed_in
    from dates
    cross join months
    group by dates.occurred_on
),

firsts as (
    select month_start as first_month from months
),

ends as (
    select month_start as end_month from months
    union all
    select date '9999-12-01' as end_month
),

-- Every month from one to before another, as rows: a day is joined to its months by equality.
spans as (
    select
        firsts.first_month,
        ends.end_month,
        months.month_start
    from firsts
    inner join months
        on firsts.first_month <= months.month_start
    inner join ends
        on months.month_start < ends.end_month
),

standings as (
    {%- for place in ['seen', 'passed'] %}
    select
        '{{ place }}' as place,
        revenue_days.customer_id,
        spans.month_start,
        revenue_days.order_count_to_date,
        revenue_days.net_revenue_to_date,
        case
            when revenue_days.order_count > 0 then revenue_days.occurred_on
            else revenue_days.previous_ordered_on
        end as last_ordered_on
    from revenue_days
    inner join first_months
        on revenue_days.occurred_on = first_months.occurred_on
    left join first_months as next_months
        on revenue_days.next_occurred_on = next_months.occurred_on
    inner join spans
        on
            first_months.{{ place }}_in = spans.first_month
            and coalesce(next_months.{{ place }}_in, date '9999-12-01') = spans.end_month
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

compared as (
    select
        seen.customer_id,
        seen.month_start,
        seen.order_count_to_date,
        seen.net_revenue_to_date,
        seen.last_ordered_on,
        seen.order_count_to_date - coalesce(passed.order_count_to_date, 0) as order_count_365d,
        seen.net_revenue_to_date - coalesce(passed.net_revenue_to_date, 0) as net_revenue_365d,
        passed.last_ordered_on as ordered_a_year_before_on
    from standings as seen
    left join standings as passed
        on
            seen.customer_id = passed.customer_id
            and seen.month_start = passed.month_start
            and passed.place = 'passed'
    where seen.place = 'seen'
)

select
    compared.customer_id,
    compared.month_start,
    compared.last_ordered_on,
    compared.order_count_to_date,
    cast(compared.net_revenue_to_date as decimal(18, 4)) as net_revenue_to_date,
    cast(compared.order_count_365d as int) as order_count_365d,
    cast(compared.net_revenue_365d as decimal(18, 4)) as net_revenue_365d,
    coalesce(
        {{ in_last_days(
            'compared.ordered_a_year_before_on', 'months.closes_a_year_before_on', 365
        ) }},
        false
    ) as was_active_a_year_ago
from compared
inner join months
    on compared.month_start = months.month_start
