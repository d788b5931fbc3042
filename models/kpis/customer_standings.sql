{%- set columns = ['order_count_to_date', 'order_count_365d'] -%}
{%- set lags = [] -%}
{%- for column in columns -%}
{%- for months_back in [1, 2, 3] -%}
{%- do lags.append((column, months_back)) -%}
{%- endfor -%}
{%- endfor %}

-- Long periods are whole months: where a customer stood when one began is where they stood when the
-- month before it closed, one to three months back.
with

periods as (
    select
        *,
        {{ month_start('closes_on') }} as closing_month
    from {{ ref('periods') }}
    where is_long
),

thresholds as (
    {{ lifecycle_thresholds_of(['lapsed_after_days']) | indent(4) }}
),

closings as (
    select
        {%- for column, months_back in lags %}
        lag({{ column }}, {{ months_back }}) over (
            partition by customer_id order by month_start asc nulls last
        ) as {{ column }}_{{ months_back }}_back,
        {%- endfor %}
        *
    from {{ ref('customer_closings') }}
),

standings as (
    select
        periods.period_grain,
        periods.period_start,
        closings.*,
        coalesce(
            {{ days_between('closings.last_ordered_on', 'periods.closes_on') }}
            < thresholds.lapsed_after_days,
            false
        ) as may_be_lost,
        overdue.customer_id is not null as is_at_risk,
        {%- for column in columns %}
        case {{ months_between_dates('periods.period_start', 'periods.closing_month') }}
            {%- for months_back in [1, 2, 3] %}
            when {{ months_back - 1 }} then closings.{{ column }}_{{ months_back }}_back
            {%- endfor %}
        end as {{ column }}_at_start
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from closings
    inner join periods
        on closings.month_start = periods.closing_month
    cross join thresholds
    left join {{ ref('customer_overdue_months') }} as overdue
        on
            closings.customer_id = overdue.customer_id
            and closings.month_start = overdue.month_start
)

select
    period_grain,
    period_start,
    period_start as member_on,
    customer_id,
    net_revenue_to_date,
    order_count_365d,
    net_revenue_365d,
    case when order_count_365d_at_start > 0 then 1 else 0 end as active_at_start_count,
    case
        when order_count_365d_at_start > 0 and order_count_to_date > order_count_to_date_at_start
            then 1
        else 0
    end as retained_count,
    case when order_count_365d >= 1 then 1 else 0 end as buyer_count_365d,
    case when order_count_365d >= 2 then 1 else 0 end as repeat_buyer_count_365d,
    case when was_active_a_year_ago then 1 else 0 end as active_a_year_ago_count,
    case when was_active_a_year_ago and order_count_365d = 0 then 1 else 0 end
        as churned_over_year_count,
    case when may_be_lost then 1 else 0 end as may_be_lost_count,
    case when is_at_risk then 1 else 0 end as at_risk_count
from standings
