-- Who counts for a segment's KPIs of a period: those who were in when it started, whatever became
-- of them, so that a segment never looks better for having lost its worst members.
{{ config(materialized='view') }}

with

periods as (
    select * from {{ ref('periods') }}
),

customers as (
    select * from {{ ref('known_customers') }}
),

stays as (
    select * from {{ ref('segment_stays') }} where is_listed
),

everyone as (
    select
        periods.period_grain,
        periods.period_start,
        customers.customer_id
    from periods
    inner join customers
        on customers.first_seen_on is null or periods.closes_on >= customers.first_seen_on
),

in_segments as (
    select
        periods.period_grain,
        periods.period_start,
        stays.segment_key,
        stays.exclusive_group,
        stays.customer_id
    from periods
    inner join stays
        on
            periods.period_start > stays.valid_from_on
            and (stays.valid_to_on is null or periods.period_start <= stays.valid_to_on)
),

nones as (
    select
        segment_key,
        exclusive_group
    from {{ ref('kpi_segments') }}
    where is_none
),

in_none as (
    select
        everyone.period_grain,
        everyone.period_start,
        nones.segment_key,
        everyone.customer_id
    from everyone
    cross join nones
    left join in_segments
        on
            everyone.period_grain = in_segments.period_grain
            and everyone.period_start = in_segments.period_start
            and everyone.customer_id = in_segments.customer_id
            and nones.exclusive_group = in_segments.exclusive_group
    where in_segments.customer_id is null
)

select
    period_grain,
    period_start,
    'all' as segment_key,
    customer_id
from everyone
union all
select
    period_grain,
    period_start,
    segment_key,
    customer_id
from in_segments
union all
select
    period_grain,
    period_start,
    segment_key,
    customer_id
from in_none
