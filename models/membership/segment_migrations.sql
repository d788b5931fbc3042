-- From where to where customers moved within an exclusive group over a month: from the last instant
-- observed before the month to the last one in it.
with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

stays as (
    select * from {{ ref('segment_stays') }}
    where exclusive_group is not null and entity = 'customer'
),

span as (
    select
        {{ month_start('min(valid_from_on)') }} as first_month,
        {{ month_start('max(spine.as_of_on)') }} as last_month
    from stays
    cross join spine
),

calendar as (
    {{ date_series('span', 'first_month', 'last_month', 'month') | indent(4) }}
),

months as (
    select
        day as period_start,
        {{ month_end('day') }} as period_end
    from calendar
),

groups as (
    select distinct exclusive_group
    from {{ ref('segment_catalogue') }}
    where exclusive_group is not null and entity = 'customer'
),

customers as (
    select * from {{ ref('known_customers') }}
),

-- At the end of a month: every customer known by then, with its member of each group, or none.
month_ends as (
    select
        months.period_start,
        groups.exclusive_group,
        customers.customer_id,
        coalesce(stays.segment_key, groups.exclusive_group || '_none') as segment_key
    from months
    cross join groups
    inner join customers
        on customers.first_seen_on is null or months.period_end >= customers.first_seen_on
    left join stays
        on
            groups.exclusive_group = stays.exclusive_group
            and customers.customer_id = stays.customer_id
            and months.period_end >= stays.valid_from_on
            and (stays.valid_to_on is null or months.period_end < stays.valid_to_on)
),

month_starts as (
    select
        months.period_start,
        stays.exclusive_group,
        stays.customer_id,
        stays.segment_key
    from months
    inner join stays
        on
            months.period_start > stays.valid_from_on
            and (stays.valid_to_on is null or months.period_start <= stays.valid_to_on)
),

revenue as (
    select * from {{ ref('fct_customer_months') }}
),

moves as (
    select
        month_ends.exclusive_group,
        month_ends.period_start,
        coalesce(month_starts.segment_key, month_ends.exclusive_group || '_none') as from_segment,
        month_ends.segment_key as to_segment,
        cast(count(*) as bigint) as customer_count,
        cast(coalesce(sum(revenue.net_revenue), 0) as decimal(18, 4)) as net_revenue
    from month_ends
    left join month_starts
        on
            month_ends.exclusive_group = month_starts.exclusive_group
            and month_ends.period_start = month_starts.period_start
            and month_ends.customer_id = month_starts.customer_id
    left join revenue
        on
            month_ends.customer_id = revenue.customer_id
            and month_ends.period_start = revenue.month_start
    group by all
),

with_totals as (
    select
        *,
        cast(
            sum(customer_count) over (
                partition by exclusive_group, period_start, from_segment
            ) as bigint
        ) as from_count
    from moves
)

select
    exclusive_group,
    period_start,
    from_segment,
    to_segment,
    customer_count,
    net_revenue,
    {{ ratio('customer_count', 'from_count') }} as share_of_from
from with_totals
