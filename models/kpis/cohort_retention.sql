{%- set activity = choice_var('cohort_activity', ['orders', 'orders_and_refunds']) -%}

with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

months as (
    select * from {{ ref('fct_customer_months') }}
),

cohorts as (
    select * from {{ ref('cohort_members') }}
),

sizes as (
    select
        cohorts.cohort_month,
        cohorts.segment_key,
        {{ month_start('max(spine.as_of_on)') }} as last_month,
        cast(count(*) as bigint) as cohort_size
    from cohorts
    cross join spine
    group by cohorts.cohort_month, cohorts.segment_key
),

cohort_months as (
    select distinct
        cohort_month,
        last_month
    from sizes
),

later_months as (
    {{ date_series('cohort_months', 'cohort_month', 'last_month', 'month') | indent(4) }}
),

calendar as (
    select distinct day as activity_month
    from later_months
),

activity as (
    select
        cohorts.cohort_month,
        cohorts.segment_key,
        months.month_start as activity_month,
        {% if activity == 'orders' -%}
        cast(count(*) filter (where months.order_count > 0) as bigint) as active_customers,
        {%- else -%}
        cast(count(*) as bigint) as active_customers,
        {%- endif %}
        cast(sum(months.net_revenue) as decimal(18, 4)) as net_revenue
    from cohorts
    inner join months
        on cohorts.customer_id = months.customer_id
    group by cohorts.cohort_month, cohorts.segment_key, months.month_start
)

select
    sizes.cohort_month,
    {{ months_between_dates('sizes.cohort_month', 'calendar.activity_month') }}
        as months_since_first_order,
    sizes.segment_key,
    sizes.cohort_size,
    coalesce(activity.active_customers, 0) as active_customers,
    {{ ratio('coalesce(activity.active_customers, 0)', 'sizes.cohort_size') }} as retention_rate,
    coalesce(activity.net_revenue, 0) as net_revenue
from sizes
inner join calendar
    on sizes.cohort_month <= calendar.activity_month
left join activity
    on
        sizes.cohort_month = activity.cohort_month
        and sizes.segment_key = activity.segment_key
        and calendar.activity_month = activity.activity_month
