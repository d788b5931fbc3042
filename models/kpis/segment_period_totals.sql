{#- What is 0 where a segment has no row, by model. -#}
{%- set parts = [
    ('purchases', 'segment_period_purchases', ['order_count', 'net_revenue']),
    ('activity', 'segment_period_activity', activity_measures()),
    ('standings', 'segment_period_standings', standing_measures()),
    ('acquisitions', 'segment_period_acquisitions', ['new_customer_count']),
    ('spend', 'segment_period_spend', ['spend']),
    ('leads', 'segment_period_leads', lead_measures()),
    ('engagement', 'segment_period_engagement', ['engagement_millionths']),
    ('upgrades', 'segment_period_upgrades', ['is_subscribed_at_start', 'is_upgraded']),
] -%}
{%- set joined = [
    ('starts', 'segment_period_starts'), ('sizes', 'segment_period_sizes'), ('gaps', 'segment_period_gaps'),
    ('campaigns', 'segment_period_campaigns'),
] -%}
{%- for part, model, _ in parts -%}{%- do joined.append((part, model)) -%}{%- endfor %}
-- One wide row per segment and period, from which every KPI is taken.
with

periods as (
    select * from {{ ref('periods') }}
),

keys as (
    select * from {{ ref('kpi_segments') }}
),

engagement_inputs as (
    select min(first_on) as first_on
    from {{ ref('kpi_inputs') }}
    where
        entity in (
            {%- for input in engagement_signals() | map(attribute='input') | unique %}
            '{{ input }}'
            {%- if not loop.last %},{% endif %}
            {%- endfor %}
        )
)

select
    periods.period_grain,
    periods.period_start,
    periods.period_end,
    periods.closes_on,
    periods.is_long,
    keys.segment_key,
    keys.entity,
    keys.definition_version,
    keys.is_none,
    coalesce(starts.customer_count, 0) as customer_count,
    {%- for part, model, measures in parts %}
    {%- for measure in measures %}
    coalesce({{ part }}.{{ measure }}, 0) as {{ measure }},
    {%- endfor %}
    {%- endfor %}
    -- Only 'all' has the orders, the revenue and the leads of no customer.
    coalesce(purchases.order_count, 0) + coalesce(purchases_of_nobody.order_count, 0)
        as any_order_count,
    coalesce(purchases.net_revenue, 0) + coalesce(purchases_of_nobody.net_revenue, 0)
        as any_net_revenue,
    coalesce(leads.lead_count, 0) + coalesce(leads_of_nobody.lead_count, 0) as any_lead_count,
    coalesce(leads.converted_lead_count, 0) + coalesce(leads_of_nobody.converted_lead_count, 0)
        as any_converted_lead_count,
    sizes.closing_count,
    sizes.entered_count,
    sizes.exited_count,
    gaps.median_gap_days,
    coalesce(gaps.gap_count, 0) as gap_count,
    {{ amount_per('campaigns.median_deployment_seconds', '3600') }} as median_deployment_hours,
    coalesce(campaigns.deployed_campaign_count, 0) as deployed_campaign_count,
    coalesce(campaigns.manual_minutes, 0) as manual_minutes,
    coalesce(campaigns.manual_campaign_count, 0) as manual_campaign_count,
    coalesce(markets.market_customer_count, 0) as market_customer_count,
    -- Before any of its inputs there is no score, not one of 0.
    coalesce(periods.closes_on >= engagement_inputs.first_on, false) as has_engagement_input,
    coalesce(starts.customer_count, 0) > 0 or purchases_of_nobody.order_count <> 0
    or purchases_of_nobody.net_revenue <> 0 as has_anybody
from periods
cross join keys
cross join engagement_inputs
{%- for part, model in joined %}
left join {{ ref(model) }} as {{ part }}
    on
        periods.period_grain = {{ part }}.period_grain
        and periods.period_start = {{ part }}.period_start
        and keys.segment_key = {{ part }}.segment_key
{%- endfor %}
left join {{ ref('segment_period_purchases') }} as purchases_of_nobody
    on
        periods.period_grain = purchases_of_nobody.period_grain
        and periods.period_start = purchases_of_nobody.period_start
        and purchases_of_nobody.segment_key is null
        and keys.segment_key = 'all'
left join {{ ref('segment_period_leads') }} as leads_of_nobody
    on
        periods.period_grain = leads_of_nobody.period_grain
        and periods.period_start = leads_of_nobody.period_start
        and leads_of_nobody.segment_key is null
        and keys.segment_key = 'all'
left join {{ ref('period_market_sizes') }} as markets
    on
        periods.period_grain = markets.period_grain
        and periods.period_start = markets.period_start
