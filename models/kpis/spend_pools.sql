-- Each amount has one pool of customers who bear it: the members of the segment it names, else who
-- was contacted by its campaign, else everyone known on its day.
with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

spend as (
    select spend.*
    from {{ ref('fct_spend') }} as spend
    inner join spine
        on spend.spent_on <= spine.as_of_on
),

stays as (
    select * from {{ ref('kpi_stays') }}
),

named_days as (
    select distinct
        segment_key,
        spent_on
    from spend
    where segment_key is not null
),

segment_pools as (
    select
        named_days.segment_key,
        named_days.spent_on,
        count(*) as customer_count
    from named_days
    inner join stays
        on
            named_days.segment_key = stays.segment_key
            and {{ held_on('stays', 'named_days.spent_on') }}
    group by named_days.segment_key, named_days.spent_on
),

campaign_pools as (
    select
        campaign_id,
        count(distinct customer_id) as customer_count
    from {{ ref('customer_contacts') }}
    where contacted_at is not null and campaign_id is not null
    group by campaign_id
),

spend_days as (
    select distinct spent_on from spend
),

everyone_pools as (
    select
        spend_days.spent_on,
        count(customers.customer_id) as customer_count
    from spend_days
    left join {{ ref('known_customers') }} as customers
        on customers.first_seen_on is null or spend_days.spent_on >= customers.first_seen_on
    group by spend_days.spent_on
),

pooled as (
    select
        spend.spent_on,
        spend.reporting_amount,
        case
            when segment_pools.customer_count is not null then 'segment'
            when campaign_pools.customer_count is not null then 'campaign'
            else 'everyone'
        end as pool_kind,
        segment_pools.segment_key,
        case when segment_pools.segment_key is null then campaign_pools.campaign_id end
            as campaign_id,
        coalesce(
            segment_pools.customer_count,
            campaign_pools.customer_count,
            everyone_pools.customer_count
        ) as customer_count
    from spend
    inner join everyone_pools
        on spend.spent_on = everyone_pools.spent_on
    left join segment_pools
        on spend.segment_key = segment_pools.segment_key and spend.spent_on = segment_pools.spent_on
    left join campaign_pools
        on spend.campaign_id = campaign_pools.campaign_id
),

summed as (
    select
        spent_on,
        pool_kind,
        segment_key,
        campaign_id,
        customer_count,
        cast(sum(reporting_amount) as decimal(18, 4)) as amount
    from pooled
    group by spent_on, pool_kind, segment_key, campaign_id, customer_count
)

select
    spent_on,
    pool_kind,
    segment_key,
    campaign_id,
    customer_count,
    amount,
    {{ exact_ratio('amount', 'customer_count', 12, 38) }} as share_per_customer
from summed
