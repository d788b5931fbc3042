{{ config(materialized='view') }}
{%- set budget_group = var('budget_group') | string -%}

with

periods as (
    select * from {{ ref('periods') }}
    where period_grain = 'month'
    qualify
        row_number() over (partition by period_grain order by period_start desc nulls last) <= 12
),

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

members as (
    select
        catalogue.segment_key,
        membership.customer_id
    from {{ ref('segment_catalogue') }} as catalogue
    left join {{ ref('segment_membership') }} as membership
        on catalogue.segment_key = membership.segment_key
    where catalogue.entity = 'customer' and catalogue.exclusive_group = '{{ budget_group }}'
),

bought as (
    select
        members.segment_key,
        cast(count(members.customer_id) as bigint) as member_count,
        cast(coalesce(sum(features.order_count_365d), 0) as bigint) as order_count_365d,
        cast(coalesce(sum(features.net_revenue_365d), 0) as decimal(18, 4)) as net_revenue_365d,
        cast(coalesce(sum(features.net_revenue_90d), 0) as decimal(18, 4)) as net_revenue_90d
    from members
    cross join spine
    left join {{ ref('customer_features') }} as features
        on members.customer_id = features.customer_id and spine.as_of = features.as_of
    group by members.segment_key
),

paid as (
    select
        kpis.segment_key,
        sum(kpis.numerator) filter (where kpis.kpi = 'marketing_spend') as spend,
        sum(kpis.numerator) filter (where kpis.kpi = 'new_customers') as new_customer_count,
        sum(kpis.numerator) filter (where kpis.kpi = 'revenue') as revenue
    from {{ ref('segment_kpis') }} as kpis
    inner join periods
        on kpis.period_grain = periods.period_grain and kpis.period_start = periods.period_start
    where kpis.kpi in ('marketing_spend', 'new_customers', 'revenue')
    group by kpis.segment_key
),

grown as (
    select
        *,
        {{ spend_trend('net_revenue_90d', 90, 'net_revenue_365d', 365) }} as growth_factor
    from bought
)

select
    grown.segment_key,
    grown.member_count,
    {{ average_order_value('grown.net_revenue_365d', 'grown.order_count_365d') }}
        as average_order_value,
    {{ ratio('grown.order_count_365d', 'grown.member_count') }} as purchase_frequency,
    {{ amount_per('paid.spend', 'paid.new_customer_count') }} as acquisition_cost,
    grown.growth_factor,
    {{ ratio('paid.revenue - paid.spend', 'paid.spend') }} as roi,
    -- Whole units of money: what the coming year would bring in if the trend went on, by half at
    -- least and twice at most, and what it would without a trend.
    cast({{ round_half_even(
        'greatest(grown.net_revenue_365d * least(greatest('
        ~ 'coalesce(grown.growth_factor, 1), 0.5), 2), 0)', 0, 38
    ) }} as bigint) as weight_by_trend,
    cast({{ round_half_even('greatest(grown.net_revenue_365d, 0)', 0, 18) }} as bigint)
        as weight_by_revenue,
    grown.member_count as weight_by_size
from grown
left join paid
    on grown.segment_key = paid.segment_key
