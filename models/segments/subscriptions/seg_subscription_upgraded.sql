{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Upgraded their subscription',
    'description': 'A period of their subscription that began in the last 90 days costs more than the one before',
    'owner': 'product@clientele.example',
    'objective': 'Confirm the choice, so that they stay with it',
    'goal_kpi': 'retention_rate',
    'priority': 607,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['subscriptions'],
    'examples': ['EX-18'],
}}) }}
{%- set days = 90 -%}

with

periods as (
    select
        customer_id,
        reporting_monthly_amount,
        started_at,
        started_on,
        lag(reporting_monthly_amount) over (
            partition by source_system, subscription_id order by started_at asc nulls last
        ) as previous_amount
    from {{ ref('fct_subscriptions') }}
    where status = 'active'
)

select distinct
    spine.as_of,
    periods.customer_id
from periods
inner join {{ ref('as_of_spine') }} as spine
    on
        periods.started_at <= spine.as_of
        and {{ in_last_days('periods.started_on', 'spine.as_of_on', days) }}
where
    periods.customer_id is not null
    and periods.reporting_monthly_amount > periods.previous_amount
