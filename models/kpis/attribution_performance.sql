{%- set models = attribution_models() -%}

with

shares as (
    select * from {{ ref('attribution_shares') }}
),

spend as (
    select spend.*
    from {{ ref('fct_spend') }} as spend
    inner join {{ ref('as_of_spine') }} as spine
        on spend.spent_on <= spine.as_of_on
    where spine.is_current
),

-- All models at once: the shares are many, what they sum to is little.
attributed as (
    select
        channel,
        campaign_id,
        {{ month_start('ordered_on') }} as period_start,
        {%- for model in models %}
        sum({{ model }}_credit) as {{ model }}_credit,
        sum({{ model }}_revenue) as {{ model }}_revenue
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from shares
    group by channel, campaign_id, {{ month_start('ordered_on') }}
),

spent as (
    select
        channel,
        campaign_id,
        {{ month_start('spent_on') }} as period_start,
        sum(reporting_amount) as spend
    from spend
    group by channel, campaign_id, {{ month_start('spent_on') }}
),

figures as (
    {%- for model in models %}
    select
        '{{ model }}' as attribution_model,
        channel,
        campaign_id,
        period_start,
        {{ model }}_credit as credit,
        {{ model }}_revenue as revenue,
        0 as spend
    from attributed
    where {{ model }}_credit <> 0
    union all
    select
        '{{ model }}' as attribution_model,
        channel,
        campaign_id,
        period_start,
        0 as credit,
        0 as revenue,
        spend
    from spent
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

totals as (
    select
        attribution_model,
        channel,
        campaign_id,
        period_start,
        cast(sum(credit) as decimal(18, 6)) as attributed_orders,
        cast(sum(revenue) as decimal(18, 4)) as attributed_revenue,
        cast(sum(spend) as decimal(18, 4)) as spend
    from figures
    group by attribution_model, channel, campaign_id, period_start
)

select
    attribution_model,
    channel,
    campaign_id,
    'month' as period_grain,
    period_start,
    attributed_orders,
    attributed_revenue,
    spend,
    {{ return_on_ad_spend('attributed_revenue', 'spend') }} as return_on_ad_spend
from totals
