{%- set flags = {
    'delivered': 'is_delivered', 'opened': 'is_opened', 'clicked': 'is_clicked',
    'responded': 'has_responded', 'converted': 'has_converted',
} -%}

with

contacts as (
    select * from {{ ref('campaign_contacts') }}
),

audiences as (
    select * from {{ ref('campaign_audiences') }}
),

-- Over all channels a customer is one person, whatever came by how many of them.
in_channels as (
    select
        campaign_id,
        channel,
        customer_id,
        {%- for flag in flags.values() %}
        {{ flag }},
        {%- endfor %}
        order_count,
        revenue
    from contacts
    union all
    select
        campaign_id,
        'all' as channel,
        customer_id,
        {%- for flag in flags.values() %}
        bool_or({{ flag }}) as {{ flag }},
        {%- endfor %}
        sum(order_count) as order_count,
        sum(revenue) as revenue
    from contacts
    group by campaign_id, customer_id
)

select
    in_channels.campaign_id,
    audiences.segment_key,
    in_channels.channel,
    cast(count(*) as bigint) as contacted,
    {%- for name, flag in flags.items() %}
    cast(count(*) filter (where in_channels.{{ flag }}) as bigint) as {{ name }},
    {%- endfor %}
    cast(sum(in_channels.order_count) as bigint) as order_count,
    cast(sum(in_channels.revenue) as decimal(18, 4)) as revenue
from in_channels
inner join audiences
    on
        in_channels.campaign_id = audiences.campaign_id
        and in_channels.customer_id = audiences.customer_id
group by in_channels.campaign_id, audiences.segment_key, in_channels.channel
