-- Who bought in which period is never listed: there are as many rows of that as days with an order.
with

days as (
    select * from {{ ref('customer_revenue_days') }}
),

known as (
    select * from {{ ref('known_customers') }}
),

-- Who is first known after a period (by a device that is named later) was nobody's member in it.
facts as (
    select
        days.customer_id,
        {%- for grain in period_grains() %}
        {%- set start = period_start('days.occurred_on', grain) %}
        case
            when
                days.customer_id is null
                or (known.customer_id is not null and known.first_seen_on is null)
                or known.first_seen_on <= {{ period_end(start, grain) }}
                then {{ start }}
        end as {{ grain }}_start,
        {%- endfor %}
        days.order_count,
        days.net_revenue
    from days
    left join known
        on days.customer_id = known.customer_id
),

{{ segment_sums_of_grains(period_grains(), ['order_count', 'net_revenue']) }}
