{#- Entity, model and time of what has a time; a day of use counts from its first instant on. -#}
{%- set dated = [
    ('consents', 'stg_consents', 'changed_at'),
    ('leads', 'stg_leads', 'created_at'),
    ('message_events', 'stg_message_events', 'occurred_at'),
    ('referrals', 'stg_referrals', 'referred_at'),
    ('refunds', 'stg_refunds', 'refunded_at'),
    ('social_mentions', 'stg_social_mentions', 'occurred_at'),
    ('subscriptions', 'stg_subscriptions', 'started_at'),
    ('support_tickets', 'stg_support_tickets', 'opened_at'),
    ('survey_responses', 'stg_survey_responses', 'responded_at'),
    ('web_events', 'fct_web_events', 'occurred_at'),
] -%}
{%- set others = ['order_lines', 'product_usage', 'products'] -%}
{%- set entities = (dated | map('first') | list + others) | sort -%}

with

spine as (
    select * from {{ ref('as_of_spine') }}
),

first_rows as (
    {% for entity, model, event_time in dated -%}
    select
        '{{ entity }}' as entity,
        min({{ event_time }}) as first_at,
        cast(null as date) as first_on,
        false as is_undated
    from {{ ref(model) }}
    union all
    {% endfor -%}
    -- A line happens when its order does.
    select
        'order_lines' as entity,
        min(ordered_at) as first_at,
        cast(null as date) as first_on,
        false as is_undated
    from {{ ref('fct_orders') }}
    where line_net_amount is not null
    union all
    select
        'product_usage' as entity,
        cast(null as timestamp) as first_at,
        min(used_on) as first_on,
        false as is_undated
    from {{ ref('stg_product_usage') }}
    union all
    select
        'products' as entity,
        cast(null as timestamp) as first_at,
        cast(null as date) as first_on,
        count(*) > 0 as is_undated
    from {{ ref('stg_products') }}
),

there as (
    select
        spine.as_of,
        first_rows.entity
    from first_rows
    inner join spine
        on
            first_rows.first_at <= spine.as_of
            or first_rows.first_on <= spine.as_of_on
            or first_rows.is_undated
),

flags as (
    select
        spine.as_of,
        {%- for entity in entities %}
        coalesce(bool_or(there.entity = '{{ entity }}'), false) as has_{{ entity }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from spine
    left join there
        on spine.as_of = there.as_of
    group by spine.as_of
)

select
    as_of,
    {%- for entity in entities %}
    has_{{ entity }},
    {%- endfor %}
    concat_ws(
        ', '
        {%- for entity in entities if entity != 'refunds' %},
        case when not has_{{ entity }} then '{{ entity }}' end
        {%- endfor %}
    ) as features_missing
from flags
