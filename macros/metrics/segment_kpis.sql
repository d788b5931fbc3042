{#- Every KPI of a segment in a period, once: over the columns of segment_period_totals. In words: docs/kpis.md.

    kind `amount`: `numerator` is the value, the denominator is NULL
    kind `ratio`:  value = numerator / denominator to 6 places, NULL when the denominator is 0
    `account_unit` the unit of a segment of accounts, where it counts them and not their people
    `sample`       how many customers (or orders, messages, ...) the figure rests on; of a ratio its denominator
    `when`         a condition without which numerator and denominator are NULL
    `scope`        members: of segments, of all and of none; segments: not of none
    `is_share`     whether it is a part of a whole, from 0 to 1; a rate that may be outside says false
    `is_lower_better` less of it is better
    `periods`      a condition that says the same as `grains`
    `inputs`       entities without which it has no row; with `any_input` one of them is enough -#}
{% macro segment_kpi_definitions() -%}
    {%- set every = ['day', 'week', 'month', 'quarter'] -%}
    {%- set weekly = ['week', 'month', 'quarter'] -%}
    {%- set long = ['month', 'quarter'] -%}
    {%- set found = [] -%}
    {%- for item in [
        {'kpi': 'members', 'category': 'segment_health', 'unit': 'customers', 'account_unit': 'accounts', 'grains': every,
         'numerator': 'closing_count', 'sample': 'closing_count', 'when': 'true'},
        {'kpi': 'entered', 'category': 'segment_health', 'unit': 'customers', 'account_unit': 'accounts', 'grains': every,
         'numerator': 'entered_count', 'sample': 'entered_count', 'when': 'true', 'scope': 'segments'},
        {'kpi': 'exited', 'category': 'segment_health', 'unit': 'customers', 'account_unit': 'accounts', 'grains': every,
         'is_lower_better': true,
         'numerator': 'exited_count', 'sample': 'exited_count', 'when': 'true', 'scope': 'segments'},
        {'kpi': 'revenue', 'category': 'financial', 'unit': 'currency', 'grains': every,
         'numerator': 'any_net_revenue', 'sample': 'customer_count', 'when': 'has_anybody'},
        {'kpi': 'average_order_value', 'category': 'behaviour', 'unit': 'currency', 'grains': every,
         'numerator': 'any_net_revenue', 'denominator': 'any_order_count', 'when': 'has_anybody'},
        {'kpi': 'purchase_frequency', 'category': 'behaviour', 'unit': 'orders per customer', 'grains': weekly,
         'numerator': 'order_count', 'denominator': 'customer_count'},
        {'kpi': 'days_between_orders', 'category': 'behaviour', 'unit': 'days', 'grains': long,
         'is_lower_better': true, 'numerator': 'median_gap_days', 'sample': 'gap_count', 'when': 'gap_count > 0'},
        {'kpi': 'retention_rate', 'category': 'segment_health', 'unit': 'rate', 'grains': long,
         'numerator': 'retained_count', 'denominator': 'active_at_start_count'},
        {'kpi': 'churn_rate', 'category': 'segment_health', 'unit': 'rate', 'grains': long,
         'is_lower_better': true,
         'numerator': 'active_at_start_count - retained_count', 'denominator': 'active_at_start_count'},
        {'kpi': 'churn_risk', 'category': 'segment_health', 'unit': 'rate', 'grains': long,
         'is_lower_better': true, 'numerator': 'at_risk_count', 'denominator': 'may_be_lost_count'},
        {'kpi': 'repeat_purchase_rate', 'category': 'behaviour', 'unit': 'rate', 'grains': long,
         'numerator': 'repeat_buyer_count_365d', 'denominator': 'buyer_count_365d'},
        {'kpi': 'customer_lifetime_value_historic', 'category': 'financial', 'unit': 'currency', 'grains': long,
         'numerator': 'net_revenue_to_date', 'denominator': 'customer_count'},
        {'kpi': 'customer_lifetime_value_formula', 'category': 'financial', 'unit': 'currency', 'grains': long,
         'numerator': 'case when churned_over_year_count * 10 <= active_a_year_ago_count'
                      ~ ' then net_revenue_365d * 10 else net_revenue_365d * active_a_year_ago_count end',
         'denominator': 'case when churned_over_year_count * 10 <= active_a_year_ago_count'
                        ~ ' then customer_count else customer_count * churned_over_year_count end',
         'sample': 'customer_count',
         'when': 'customer_count > 0 and active_a_year_ago_count > 0 and order_count_365d > 0'},
        {'kpi': 'new_customers', 'category': 'segment_health', 'unit': 'customers', 'grains': every,
         'numerator': 'new_customer_count', 'sample': 'new_customer_count', 'when': 'true'},
        {'kpi': 'marketing_spend', 'category': 'financial', 'unit': 'currency', 'grains': every,
         'numerator': 'spend', 'sample': 'customer_count', 'when': 'true', 'inputs': ['marketing_spend']},
        {'kpi': 'customer_acquisition_cost', 'category': 'financial', 'unit': 'currency', 'grains': weekly,
         'is_lower_better': true,
         'numerator': 'spend', 'denominator': 'new_customer_count', 'inputs': ['marketing_spend']},
        {'kpi': 'roi', 'category': 'financial', 'unit': 'rate', 'is_share': false, 'grains': weekly,
         'numerator': 'any_net_revenue - spend', 'denominator': 'spend', 'sample': 'customer_count',
         'when': 'has_anybody', 'inputs': ['marketing_spend']},
        {'kpi': 'conversion_rate', 'category': 'campaign', 'unit': 'rate', 'grains': weekly,
         'numerator': 'any_converted_lead_count', 'denominator': 'any_lead_count',
         'when': 'customer_count > 0 or any_lead_count > 0', 'inputs': ['leads']},
        {'kpi': 'nurture_conversion_rate', 'category': 'efficiency', 'unit': 'rate', 'grains': weekly,
         'numerator': 'converted_nurtured_lead_count', 'denominator': 'nurtured_lead_count',
         'when': 'customer_count > 0 or lead_count > 0', 'inputs': ['leads', 'message_events']},
        {'kpi': 'open_rate', 'category': 'campaign', 'unit': 'rate', 'grains': weekly,
         'numerator': 'opened_message_count', 'denominator': 'delivered_message_count',
         'inputs': ['message_events']},
        {'kpi': 'click_through_rate', 'category': 'campaign', 'unit': 'rate', 'grains': weekly,
         'numerator': 'clicked_message_count', 'denominator': 'delivered_message_count',
         'inputs': ['message_events']},
        {'kpi': 'response_rate', 'category': 'campaign', 'unit': 'rate', 'grains': weekly,
         'numerator': 'is_responding', 'denominator': 'is_contacted', 'inputs': ['message_events']},
        {'kpi': 'reactivation_rate', 'category': 'campaign', 'unit': 'rate', 'grains': weekly,
         'numerator': 'is_reactivated', 'denominator': 'is_contacted_dormant', 'inputs': ['message_events']},
        {'kpi': 'cross_sell_rate', 'category': 'campaign', 'unit': 'rate', 'grains': weekly,
         'numerator': 'is_cross_sold', 'denominator': 'is_cross_sell_offered',
         'inputs': ['campaigns', 'message_events', 'order_lines', 'products']},
        {'kpi': 'cart_abandonment_rate', 'category': 'behaviour', 'unit': 'rate', 'grains': weekly,
         'is_lower_better': true,
         'numerator': 'abandoned_cart_count', 'denominator': 'decided_cart_count', 'inputs': ['web_events']},
        {'kpi': 'sessions', 'category': 'behaviour', 'unit': 'sessions', 'grains': weekly,
         'numerator': 'session_count', 'sample': 'customer_count', 'inputs': ['web_events']},
        {'kpi': 'pages_per_session', 'category': 'behaviour', 'unit': 'pages per session', 'grains': weekly,
         'numerator': 'page_count', 'denominator': 'session_count', 'inputs': ['web_events']},
        {'kpi': 'minutes_per_session', 'category': 'behaviour', 'unit': 'minutes per session', 'grains': weekly,
         'numerator': 'seconds_on_site', 'denominator': 'session_count * 60', 'sample': 'session_count',
         'inputs': ['web_events']},
        {'kpi': 'visitor_conversion_rate', 'category': 'campaign', 'unit': 'rate', 'grains': weekly,
         'numerator': 'is_converted_visitor', 'denominator': 'is_visiting_prospect', 'inputs': ['web_events']},
        {'kpi': 'trial_conversion_rate', 'category': 'campaign', 'unit': 'rate', 'grains': weekly,
         'numerator': 'has_converted_trial', 'denominator': 'has_started_trial', 'inputs': ['subscriptions']},
        {'kpi': 'upgrade_rate', 'category': 'behaviour', 'unit': 'rate', 'grains': long,
         'numerator': 'is_upgraded', 'denominator': 'is_subscribed_at_start', 'inputs': ['subscriptions']},
        {'kpi': 'engagement_score', 'category': 'segment_health', 'unit': 'points', 'grains': long,
         'numerator': 'engagement_millionths', 'denominator': 'customer_count * 1000000', 'sample': 'customer_count',
         'when': 'customer_count > 0 and has_engagement_input',
         'inputs': engagement_signals() | map(attribute='input') | unique | list, 'any_input': true},
        {'kpi': 'net_promoter_score', 'category': 'advocacy', 'unit': 'points', 'grains': weekly,
         'numerator': 'net_recommendation_count * 100', 'denominator': 'recommendation_count',
         'sample': 'recommendation_count', 'inputs': ['survey_responses'],
         'when': 'customer_count > 0 and recommendation_count >= ' ~ var('nps_minimum_answers') | int},
        {'kpi': 'referral_rate', 'category': 'advocacy', 'unit': 'rate', 'grains': weekly,
         'numerator': 'has_referred', 'denominator': 'customer_count', 'inputs': ['referrals']},
        {'kpi': 'social_mentions', 'category': 'advocacy', 'unit': 'mentions', 'grains': weekly,
         'numerator': 'mention_count', 'sample': 'customer_count', 'inputs': ['social_mentions']},
        {'kpi': 'sentiment', 'category': 'advocacy', 'unit': 'sentiment', 'grains': weekly,
         'numerator': 'sentiment_millionths', 'denominator': 'sentiment_count * 1000000', 'sample': 'sentiment_count',
         'inputs': ['social_mentions']},
        {'kpi': 'market_penetration', 'category': 'segment_health', 'unit': 'rate', 'is_share': false, 'grains': long,
         'numerator': 'buyer_count_365d', 'denominator': 'market_customer_count', 'sample': 'buyer_count_365d',
         'inputs': ['market_sizes']},
        {'kpi': 'deployment_hours', 'category': 'efficiency', 'unit': 'hours', 'grains': long,
         'is_lower_better': true, 'numerator': 'median_deployment_hours', 'sample': 'deployed_campaign_count',
         'when': 'deployed_campaign_count > 0', 'scope': 'segments', 'inputs': ['campaigns']},
        {'kpi': 'manual_minutes', 'category': 'efficiency', 'unit': 'minutes per campaign', 'grains': long,
         'is_lower_better': true, 'numerator': 'manual_minutes', 'denominator': 'manual_campaign_count', 'when': 'true',
         'scope': 'segments', 'inputs': ['campaigns']},
    ] -%}
        {%- set defaults = {
            'kind': 'ratio' if 'denominator' in item else 'amount', 'sample': item.get('denominator'),
            'when': 'customer_count > 0', 'scope': 'members', 'inputs': [], 'any_input': false,
            'account_unit': item.unit, 'is_share': item.unit == 'rate', 'is_lower_better': false,
            'periods': 'true' if item.grains == every else 'is_long' if item.grains == long else "period_grain <> 'day'",
        } -%}
        {%- do found.append(dict(defaults, **item)) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- The unit of a KPI in a row of segment_period_totals. -#}
{% macro kpi_unit(definition) -%}
    {%- if definition.account_unit == definition.unit -%} '{{ definition.unit }}'
    {%- else -%}
        case entity when 'account' then '{{ definition.account_unit }}' else '{{ definition.unit }}' end
    {%- endif -%}
{%- endmacro %}
