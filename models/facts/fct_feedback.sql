{#- Kind, model, time, and whether rows carry an e-mail. -#}
{%- set sources = [
    ('survey_answer', 'stg_survey_responses', 'responded_at', true),
    ('mention', 'stg_social_mentions', 'occurred_at', false),
    ('ticket', 'stg_support_tickets', 'opened_at', true),
] -%}

with

links as (
    select * from {{ ref('customer_links') }}
),

settings as (
    select * from {{ source('run', 'settings') }}
),

referrals as (
    select
        source_system,
        referrer_ref as customer_ref,
        referred_at
    from {{ ref('stg_referrals') }}
),

said as (
    {%- for kind, model, said_at, has_email in sources %}
    select
        links.customer_id,
        '{{ kind }}' as kind,
        {% if kind == 'survey_answer' -%}
        case feedback.nps_group
            when 'promoter' then 1
            when 'passive' then 0
            when 'detractor' then -1
        end
        {%- else -%}
        cast(null as int)
        {%- endif %} as recommendation,
        {% if kind == 'mention' -%}
        cast(feedback.sentiment * 1000000 as bigint)
        {%- else -%}
        cast(null as bigint)
        {%- endif %} as sentiment_millionths,
        {{ 'feedback.' ~ said_at }} as occurred_at
    from {{ ref(model) }} as feedback
    inner join links
        on {{ names_record('feedback', 'links', has_email=has_email) | indent(12) }}
    union all
    {%- endfor %}
    select
        links.customer_id,
        'referral' as kind,
        cast(null as int) as recommendation,
        cast(null as bigint) as sentiment_millionths,
        referrals.referred_at as occurred_at
    from referrals
    inner join links
        on {{ names_record('referrals', 'links', has_email=false) | indent(12) }}
)

select
    said.customer_id,
    said.kind,
    said.recommendation,
    said.sentiment_millionths,
    said.occurred_at,
    {{ business_date('said.occurred_at', 'settings.business_time_zone') }} as occurred_on
from said
cross join settings
