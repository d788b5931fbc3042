{#- The engagement score: seeds/engagement_weights.csv says what a signal weighs and where it ends to count. -#}

{#- The signals, each with the input that it is counted from. -#}
{% macro engagement_signals() -%}
    {{ return([
        {'signal': 'session_count_90d', 'input': 'web_events'},
        {'signal': 'product_view_count_90d', 'input': 'web_events'},
        {'signal': 'opened_message_count_90d', 'input': 'message_events'},
        {'signal': 'clicked_message_count_90d', 'input': 'message_events'},
        {'signal': 'social_interaction_count_90d', 'input': 'social_mentions'},
        {'signal': 'survey_answer_count_90d', 'input': 'survey_responses'},
        {'signal': 'ticket_count_90d', 'input': 'support_tickets'},
    ]) }}
{%- endmacro %}

{#- Weights, in ten-thousandths, and caps of all signals side by side, as columns <signal>_weight and
    <signal>_cap: aggregates over engagement_weights. -#}
{% macro engagement_weight_columns() -%}
    {%- for item in engagement_signals() -%}
cast(max(weight * 10000) filter (where measure = '{{ item.signal }}') as bigint)
    as {{ item.signal }}_weight,
cast(max(cap) filter (where measure = '{{ item.signal }}') as bigint) as {{ item.signal }}_cap
        {%- if not loop.last %},{{ '\n' }}{% endif %}
    {%- endfor %}
{%- endmacro %}

{#- 100 x the sum of weight x min(count, cap) / cap over the signals whose input is there, divided by the sum
    of their weights: decimal(18,6), NULL where no input is there. Exact, and rounded half even once, for all
    terms are whole numbers over the product of all caps. Columns: the signals (NULL counts as 0),
    has_<input>, and those of engagement_weight_columns. -#}
{% macro engagement_score() -%}
    {%- set signals = engagement_signals() -%}
    {%- set terms = [] -%}
    {%- set weights = [] -%}
    {%- for item in signals -%}
        {%- set weight = 'case when has_' ~ item.input ~ ' then ' ~ item.signal ~ '_weight else 0 end' -%}
        {%- set factors = ['least(coalesce(' ~ item.signal ~ ', 0), ' ~ item.signal ~ '_cap)'] -%}
        {%- for other in signals if other.signal != item.signal -%}
            {%- do factors.append(other.signal ~ '_cap') -%}
        {%- endfor -%}
        {%- do weights.append(weight) -%}
        {%- do terms.append(weight ~ ' * ' ~ factors | join(' * ')) -%}
    {%- endfor -%}
    {%- set all_caps = signals | map(attribute='signal') | join('_cap * ') ~ '_cap' -%}
    {{ ratio('100 * (' ~ terms | join(' + ') ~ ')', '(' ~ weights | join(' + ') ~ ') * ' ~ all_caps) }}
{%- endmacro %}

{#- The inputs that counted, in alphabetical order; NULL without any. -#}
{% macro engagement_sources() -%}
    nullif(concat_ws(
        ', '
        {%- for input in engagement_signals() | map(attribute='input') | unique | sort %},
        case when has_{{ input }} then '{{ input }}' end
        {%- endfor %}
    ), '')
{%- endmacro %}
