-- Who joined in which month, and who could have: customers who had bought in a month before it. Of
-- others there is no time before.
with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

studies as (
    select * from {{ ref('event_studies') }}
),

firsts as (
    select
        customer_id,
        min(month_start) as first_month
    from {{ ref('fct_customer_months') }}
    where order_count > 0
    group by customer_id
),

joined as (
    select
        studies.study,
        events.customer_id,
        {{ month_start('min(events.occurred_on)') }} as joined_month
    from studies
    inner join {{ ref('fct_business_events') }} as events
        on
            studies.event_name = events.event_name
            and (studies.subject is null or studies.subject = events.subject)
    inner join spine
        on events.occurred_at <= spine.as_of
    where events.customer_id is not null
    group by studies.study, events.customer_id
),

cohorts as (
    select
        study,
        joined_month,
        cast(count(*) as bigint) as all_member_count
    from joined
    group by study, joined_month
)

select
    cohorts.study,
    cohorts.joined_month,
    firsts.customer_id,
    joined.customer_id is not null as is_member
from cohorts
inner join firsts
    on cohorts.joined_month > firsts.first_month
left join joined
    on cohorts.study = joined.study and firsts.customer_id = joined.customer_id
-- Whoever joined in another month is no control: they are on their way, or already there.
where joined.customer_id is null or cohorts.joined_month = joined.joined_month
