-- An amount for a stated segment is its members', any other that of everyone contacted; each has an
-- equal part.
with

audiences as (
    select * from {{ ref('campaign_audiences') }}
),

spend as (
    select spend.*
    from {{ ref('fct_spend') }} as spend
    inner join {{ ref('as_of_spine') }} as spine
        on spend.spent_on <= spine.as_of_on
    where spine.is_current and spend.campaign_id is not null
),

stated as (
    select distinct
        campaign_id,
        coalesce(segment_key, 'all') as base_key
    from spend
    union
    select distinct
        campaign_id,
        'all' as base_key
    from spend
),

-- Of those in the base, how many are in each segment; in 'all' they all are.
parts as (
    select
        stated.campaign_id,
        stated.base_key,
        parts.segment_key,
        cast(count(*) as bigint) as customer_count
    from stated
    inner join audiences as bases
        on stated.campaign_id = bases.campaign_id and stated.base_key = bases.segment_key
    inner join audiences as parts
        on bases.campaign_id = parts.campaign_id and bases.customer_id = parts.customer_id
    group by stated.campaign_id, stated.base_key, parts.segment_key
),

bases as (
    select
        campaign_id,
        base_key,
        customer_count
    from parts
    where segment_key = 'all'
),

amounts as (
    select
        spend.campaign_id,
        spend.channel,
        -- A stated segment of which nobody was contacted says nothing of whom the money went to.
        coalesce(bases.base_key, 'all') as base_key,
        sum(spend.reporting_amount) as amount
    from spend
    left join bases
        on spend.campaign_id = bases.campaign_id and spend.segment_key = bases.base_key
    group by spend.campaign_id, spend.channel, coalesce(bases.base_key, 'all')
),

in_channels as (
    select
        campaign_id,
        channel,
        base_key,
        amount
    from amounts
    union all
    select
        campaign_id,
        'all' as channel,
        base_key,
        sum(amount) as amount
    from amounts
    group by campaign_id, base_key
),

allocated as (
    select
        in_channels.campaign_id,
        coalesce(parts.segment_key, 'all') as segment_key,
        in_channels.channel,
        case
            when parts.segment_key is null or parts.segment_key = 'all' then in_channels.amount
            else {{ amount_per(
                'in_channels.amount * parts.customer_count', 'bases.customer_count'
            ) | indent(12) }}
        end as spend
    from in_channels
    left join parts
        on in_channels.campaign_id = parts.campaign_id and in_channels.base_key = parts.base_key
    left join bases
        on in_channels.campaign_id = bases.campaign_id and in_channels.base_key = bases.base_key
)

select
    campaign_id,
    segment_key,
    channel,
    cast(sum(spend) as decimal(18, 4)) as spend
from allocated
group by campaign_id, segment_key, channel
