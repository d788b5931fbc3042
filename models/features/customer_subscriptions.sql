{%- set stages = ['subscribed', 'onboarding', 'paused', 'trial', 'trial_expired', 'cancelled'] -%}

with

spine as (
    select * from {{ ref('as_of_spine') }}
),

subscriptions as (
    select * from {{ ref('fct_subscriptions') }}
),

thresholds as (
    select max(days_or_count) as subscribed_after_days
    from {{ ref('feature_thresholds') }}
    where threshold = 'subscribed_after_days'
),

periods as (
    select
        spine.as_of,
        subscriptions.customer_id,
        subscriptions.plan,
        subscriptions.status,
        subscriptions.reporting_monthly_amount,
        subscriptions.started_at,
        subscriptions.trial_ends_at,
        subscriptions.ended_at is null or subscriptions.ended_at > spine.as_of as is_running,
        subscriptions.trial_ends_at <= spine.as_of as is_trial_over,
        {{ days_between('subscriptions.started_on', 'spine.as_of_on') }}
        > thresholds.subscribed_after_days as is_settled,
        coalesce(subscriptions.started_at <= max(
            case when subscriptions.status in ('active', 'paused') then subscriptions.started_at end
        ) over (partition by spine.as_of, subscriptions.customer_id), false) as is_paid_since
    from subscriptions
    inner join spine on subscriptions.started_at <= spine.as_of
    cross join thresholds
    where subscriptions.customer_id is not null
),

-- What each period would make of its customer; the first in the order of the stages decides.
staged as (
    select
        *,
        case
            when is_running and status = 'active' and is_settled then 1
            when is_running and status = 'active' then 2
            when is_running and status = 'paused' then 3
            when is_running and status = 'trial' and not coalesce(is_trial_over, false) then 4
            when status = 'trial' and not is_paid_since then 5
            else 6
        end as stage_rank
    from periods
),

deciding as (
    select
        as_of,
        customer_id,
        plan,
        case stage_rank
            {%- for stage in stages %}
            when {{ loop.index }} then '{{ stage }}'
            {%- endfor %}
        end as subscription_stage
    from staged
    qualify
        row_number() over (
            partition by as_of, customer_id
            order by stage_rank asc nulls last, started_at desc nulls last, plan asc nulls last
        ) = 1
),

sums as (
    select
        as_of,
        customer_id,
        cast(coalesce(sum(reporting_monthly_amount) filter (
            where is_running and status = 'active'
        ), 0) as decimal(18, 4)) as monthly_recurring_amount,
        min(started_at) filter (where status = 'active') as subscribed_since,
        max(trial_ends_at) filter (where is_running and status = 'trial') as trial_ends_at
    from staged
    group by as_of, customer_id
)

select
    deciding.as_of,
    deciding.customer_id,
    deciding.subscription_stage,
    deciding.plan as subscription_plan,
    sums.monthly_recurring_amount,
    sums.subscribed_since,
    sums.trial_ends_at
from deciding
inner join sums
    on deciding.as_of = sums.as_of and deciding.customer_id = sums.customer_id
