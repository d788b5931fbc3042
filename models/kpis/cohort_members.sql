{%- set activity = choice_var('cohort_activity', ['orders', 'orders_and_refunds']) -%}

with

months as (
    select * from {{ ref('fct_customer_months') }}
),

observations as (
    select * from {{ ref('segment_observations') }}
),

stays as (
    select * from {{ ref('segment_stays') }}
),

first_activity as (
    select
        customer_id,
        {% if activity == 'orders' -%}
        min(first_order_at) as first_activity_at,
        {%- else -%}
        min(first_activity_at) as first_activity_at,
        {%- endif %}
        min(month_start) as cohort_month
    from months
    {% if activity == 'orders' -%}
    where order_count > 0
    {%- endif %}
    group by customer_id
),

-- For each segment, the first instant at which it was observed at or after the first activity.
instants as (
    select
        segment_key,
        as_of,
        lag(as_of) over (partition by segment_key order by as_of asc nulls last) as previous_as_of
    from observations
)

select
    cohort_month,
    'all' as segment_key,
    customer_id
from first_activity
union all
select
    first_activity.cohort_month,
    instants.segment_key,
    first_activity.customer_id
from first_activity
inner join instants
    on
        first_activity.first_activity_at <= instants.as_of
        and (
            instants.previous_as_of is null
            or first_activity.first_activity_at > instants.previous_as_of
        )
inner join stays
    on
        first_activity.customer_id = stays.customer_id
        and instants.segment_key = stays.segment_key
        and instants.as_of >= stays.valid_from
        and (stays.valid_to is null or instants.as_of < stays.valid_to)
