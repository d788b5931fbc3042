{{ config(materialized='view') }}

with

leads as (
    select * from {{ ref('lead_outcomes') }}
),

period_days as (
    select * from {{ ref('period_days') }} where period_grain <> 'day'
)

-- A lead counts for the segments of its own day, and not for those of the day its period started.
select
    period_days.period_grain,
    period_days.period_start,
    leads.created_on as member_on,
    leads.customer_id,
    {%- for measure in lead_measures() %}
    leads.{{ measure }}
    {%- if not loop.last %},{% endif %}
    {%- endfor %}
from leads
inner join period_days
    on leads.created_on = period_days.occurred_on
