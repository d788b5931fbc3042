{%- set flags = [
    {'flag': 'may_market_email', 'purpose': 'marketing', 'channel': 'email'},
    {'flag': 'may_market_sms', 'purpose': 'marketing', 'channel': 'sms'},
    {'flag': 'may_market_ads', 'purpose': 'marketing', 'channel': 'ads'},
    {'flag': 'may_market_post', 'purpose': 'marketing', 'channel': 'post'},
    {'flag': 'may_analyse', 'purpose': 'analytics', 'channel': none},
    {'flag': 'may_profile', 'purpose': 'profiling', 'channel': none},
    {'flag': 'may_sell', 'purpose': 'sale', 'channel': none},
] -%}

with

present as (
    select * from {{ ref('present_customers') }}
),

spine as (
    select * from {{ ref('as_of_spine') }}
),

coverage as (
    select * from {{ ref('source_coverage') }}
),

links as (
    select * from {{ ref('customer_links') }}
),

changes as (
    select
        spine.as_of,
        links.customer_id,
        consents.channel,
        consents.purpose,
        consents.is_granted,
        consents.changed_at
    from {{ ref('stg_consents') }} as consents
    inner join links
        on {{ names_record('consents', 'links') | indent(12) }}
    inner join spine on consents.changed_at <= spine.as_of
),

-- Of a grant and a withdrawal at the same instant the withdrawal holds.
standing as (
    select
        as_of,
        customer_id,
        {%- for item in flags %}
        {{ is_granted_last(item.purpose, item.channel) }} as {{ item.flag }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from changes
    group by as_of, customer_id
)

select
    present.as_of,
    present.customer_id,
    {%- for item in flags %}
    case
        when coverage.has_consents then coalesce(standing.{{ item.flag }}, false)
    end as {{ item.flag }}{% if not loop.last %},{% endif %}
    {%- endfor %}
from present
inner join coverage on present.as_of = coverage.as_of
left join standing
    on present.as_of = standing.as_of and present.customer_id = standing.customer_id
