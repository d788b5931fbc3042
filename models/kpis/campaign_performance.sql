{%- set counts = [
    'contacted', 'delivered', 'opened', 'clicked', 'responded', 'converted', 'order_count'
] -%}

with

totals as (
    select * from {{ ref('campaign_totals') }}
),

spend as (
    select * from {{ ref('campaign_spend') }}
),

segments as (
    select * from {{ ref('kpi_segments') }} where not is_none and segment_key <> 'all'
),

campaigns as (
    select
        campaigns.campaign_id,
        min(campaigns.campaign_name) as campaign_name,
        bool_or(campaigns.is_segmented) as is_segmented
    from {{ ref('stg_campaigns') }} as campaigns
    inner join {{ ref('as_of_spine') }} as spine
        on campaigns.started_at is null or campaigns.started_at <= spine.as_of
    where spine.is_current
    group by campaigns.campaign_id
),

-- A campaign of which nothing came and nothing was spent has its row too.
keys as (
    select
        campaign_id,
        segment_key,
        channel
    from totals
    union
    select
        campaign_id,
        segment_key,
        channel
    from spend
    union
    select
        campaign_id,
        'all' as segment_key,
        'all' as channel
    from campaigns
),

figures as (
    select
        keys.campaign_id,
        keys.segment_key,
        keys.channel,
        campaigns.campaign_name,
        campaigns.is_segmented,
        {%- for count in counts %}
        coalesce(totals.{{ count }}, 0) as {{ count }},
        {%- endfor %}
        coalesce(totals.revenue, 0) as revenue,
        coalesce(spend.spend, 0) as spend
    from keys
    left join totals
        on
            keys.campaign_id = totals.campaign_id
            and keys.segment_key = totals.segment_key
            and keys.channel = totals.channel
    left join spend
        on
            keys.campaign_id = spend.campaign_id
            and keys.segment_key = spend.segment_key
            and keys.channel = spend.channel
    left join campaigns
        on keys.campaign_id = campaigns.campaign_id
),

rated as (
    select
        *,
        {{ ratio('opened', 'delivered') }} as open_rate,
        {{ ratio('clicked', 'delivered') }} as click_through_rate,
        {{ ratio('responded', 'contacted') }} as response_rate,
        {{ ratio('converted', 'contacted') }} as conversion_rate,
        {{ campaign_roi('revenue', 'spend') }} as roi,
        contacted >= {{ campaign_minimum_sample() }} as is_sample_sufficient
    from figures
),

-- Among the segments of one campaign and channel that are large enough to be told apart.
places as (
    select
        rated.campaign_id,
        rated.segment_key,
        rated.channel,
        cast(rank() over (
            partition by rated.campaign_id, rated.channel
            order by rated.roi desc nulls last
        ) as int) as roi_rank
    from rated
    inner join segments
        on rated.segment_key = segments.segment_key
    where rated.is_sample_sufficient and rated.roi is not null
)

select
    rated.*,
    places.roi_rank
from rated
left join places
    on
        rated.campaign_id = places.campaign_id
        and rated.segment_key = places.segment_key
        and rated.channel = places.channel
