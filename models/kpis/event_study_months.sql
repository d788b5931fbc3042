with

settings as (
    select * from {{ source('run', 'settings') }}
),

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

studies as (
    select * from {{ ref('event_studies') }}
),

cohorts as (
    select * from {{ ref('event_study_cohorts') }}
),

months as (
    select
        periods.period_start,
        periods.period_end
    from {{ ref('periods') }} as periods
    cross join spine
    cross join settings
    where
        periods.period_grain = 'month'
        and periods.period_end
        < {{ business_date(next_instant('spine.as_of'), 'settings.business_time_zone') }}
),

sizes as (
    select
        study,
        joined_month,
        count(*) filter (where is_member) as member_count,
        count(*) filter (where not is_member) as control_count
    from cohorts
    group by study, joined_month
),

calendar as (
    select
        sizes.study,
        sizes.joined_month,
        months.period_start,
        sizes.member_count,
        sizes.control_count,
        {{ months_between_dates('sizes.joined_month', 'months.period_start') }}
            as months_since_joining
    from sizes
    inner join studies
        on sizes.study = studies.study
    inner join months
        on
            {{ months_between_dates('sizes.joined_month', 'months.period_start') }}
            between -studies.month_count and studies.month_count
    where sizes.member_count > 0
),

orders as (
    select
        cohorts.study,
        cohorts.joined_month,
        activity.month_start,
        sum(activity.order_count) filter (where cohorts.is_member) as member_orders,
        sum(activity.order_count) filter (where not cohorts.is_member) as control_orders
    from cohorts
    inner join {{ ref('fct_customer_months') }} as activity
        on cohorts.customer_id = activity.customer_id
    group by cohorts.study, cohorts.joined_month, activity.month_start
),

-- Controls count as often as members who joined in that month, so that both see one season.
weighed as (
    select
        calendar.*,
        coalesce(orders.member_orders, 0) as member_orders,
        {{ ratio('coalesce(orders.control_orders, 0)', 'calendar.control_count') }}
        * calendar.member_count as control_orders
    from calendar
    left join orders
        on
            calendar.study = orders.study
            and calendar.joined_month = orders.joined_month
            and calendar.period_start = orders.month_start
),

summed as (
    select
        study,
        months_since_joining,
        cast(sum(member_count) as bigint) as member_months,
        cast(sum(member_orders) as bigint) as order_count,
        cast(sum(member_count) filter (where control_count > 0) as bigint) as control_months,
        cast(sum(control_orders) as decimal(22, 4)) as control_orders
    from weighed
    group by study, months_since_joining
)

select
    study,
    months_since_joining,
    case
        when months_since_joining < 0 then 'before'
        when months_since_joining = 0 then 'joining'
        else 'after'
    end as phase,
    member_months,
    order_count,
    {{ ratio('order_count', 'member_months') }} as orders_per_member_month,
    {{ ratio('control_orders', 'control_months') }} as control_orders_per_month
from summed
