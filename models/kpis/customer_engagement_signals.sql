{#- Signals at the end of every long period, as the features count them at an as_of. -#}
{%- set signals = engagement_signals() | map(attribute='signal') | list -%}
{%- set branches = [
    ('web_days', {
        'session_count_90d': 'sum(web_days.session_count)',
        'product_view_count_90d': 'sum(web_days.product_view_count)',
    }),
    ('messages', {
        'opened_message_count_90d': "count(*) filter (where messages.event_name = 'opened')",
        'clicked_message_count_90d': "count(*) filter (where messages.event_name = 'clicked')",
    }),
    ('feedback', {
        'social_interaction_count_90d': "count(*) filter (where feedback.kind = 'mention')",
        'survey_answer_count_90d': "count(*) filter (where feedback.kind = 'survey_answer')",
        'ticket_count_90d': "count(*) filter (where feedback.kind = 'ticket')",
    }),
] -%}

with

closings as (
    select
        period_grain,
        period_start,
        closes_on as as_of_on
    from {{ ref('periods') }}
    where is_long
),

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

web_days as (
    select web_days.*
    from {{ ref('fct_web_days') }} as web_days
    inner join spine
        on web_days.last_occurred_at <= spine.as_of
),

messages as (
    select messages.*
    from {{ ref('fct_message_events') }} as messages
    inner join spine
        on messages.occurred_at <= spine.as_of
    where messages.customer_id is not null and messages.event_name in ('opened', 'clicked')
),

feedback as (
    select feedback.*
    from {{ ref('fct_feedback') }} as feedback
    inner join spine
        on feedback.occurred_at <= spine.as_of
),

counts as (
    {% for branch, given in branches -%}
    select
        closings.period_grain,
        closings.period_start,
        {{ branch }}.customer_id,
        {%- for signal in signals %}
        cast({{ given.get(signal, '0') }} as bigint) as {{ signal }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from {{ branch }}
    inner join closings
        on
            {{
                is_first_in_window('messages', 'closings', 90) | indent(12) if branch == 'messages'
                else in_last_days(branch ~ '.occurred_on', 'closings.as_of_on', 90)
            }}
    group by closings.period_grain, closings.period_start, {{ branch }}.customer_id
    {%- if not loop.last %}
    union all
    {% endif %}
    {%- endfor %}
)

select
    period_grain,
    period_start,
    customer_id,
    {%- for signal in signals %}
    cast(sum({{ signal }}) as bigint) as {{ signal }}
    {%- if not loop.last %},{% endif %}
    {%- endfor %}
from counts
group by period_grain, period_start, customer_id
