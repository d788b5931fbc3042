{#- The families of features beside orders: which model has them, which inputs they come from, and which of
    their columns count something.

    A family's model has rows only for customers of whom there is something to say. Where the inputs are
    there, a customer without a row has done nothing: its `counts` are 0 and its `flags` false. Its
    `values` are then NULL, and so is all of it while an input is missing. -#}
{% macro feature_families() -%}
    {{ return([
        {
            'model': 'customer_web',
            'inputs': ['web_events'],
            'counts': [
                'session_count_30d', 'session_count_90d', 'session_count_365d', 'page_view_count_90d',
                'product_view_count_90d', 'add_to_cart_count_90d', 'download_count_90d', 'search_count_90d',
                'seconds_on_site_90d', 'event_count_24h',
            ],
            'values': [
                'last_web_event_at', 'minutes_since_last_web_event', 'top_viewed_category_90d',
                'first_touch_channel', 'first_touch_source', 'last_touch_channel', 'last_device',
            ],
        },
        {
            'model': 'customer_carts',
            'inputs': ['web_events'],
            'counts': ['open_cart_count'],
            'values': ['last_cart_touched_at'],
        },
        {
            'model': 'customer_messages',
            'inputs': ['message_events'],
            'counts': [
                'delivered_message_count_90d', 'opened_message_count_90d', 'clicked_message_count_90d',
                'replied_message_count_90d', 'promotional_click_count_30d',
            ],
            'flags': ['is_email_unsubscribed'],
            'values': [
                'email_open_rate_90d', 'email_click_rate_90d', 'last_message_opened_at',
                'last_message_clicked_at',
            ],
        },
        {
            'model': 'customer_service',
            'inputs': ['support_tickets'],
            'counts': [
                'ticket_count_90d', 'ticket_count_365d', 'open_ticket_count', 'feature_request_count_365d',
            ],
            'values': ['last_csat_score', 'last_ticket_opened_at'],
        },
        {
            'model': 'customer_surveys',
            'inputs': ['survey_responses'],
            'counts': ['survey_answer_count_90d'],
            'values': ['last_nps_score', 'nps_group', 'psychographic_tags'],
        },
        {
            'model': 'customer_social',
            'inputs': ['social_mentions'],
            'counts': ['social_interaction_count_90d'],
            'values': ['mean_sentiment_365d'],
        },
        {
            'model': 'customer_usage',
            'inputs': ['product_usage'],
            'counts': ['usage_day_count_30d', 'usage_minutes_30d', 'feature_count_90d'],
            'values': ['feature_adoption_rate_90d', 'last_used_on', 'days_since_last_use'],
        },
        {
            'model': 'customer_subscriptions',
            'inputs': ['subscriptions'],
            'counts': ['monthly_recurring_amount'],
            'values': [
                'subscription_stage', 'subscription_plan', 'subscribed_since', 'trial_ends_at',
            ],
        },
        {
            'model': 'customer_products',
            'inputs': ['order_lines', 'products'],
            'counts': ['category_count_lifetime'],
            'values': [
                'top_category', 'top_category_share', 'top_brand', 'premium_share_365d',
                'budget_share_365d', 'last_product_name', 'last_product_category',
            ],
            'of_orders': ['discount_share_365d', 'spend_trend_90d', 'last_sales_channel'],
        },
        {
            'model': 'customer_people',
            'inputs': [],
            'values': [
                'age', 'age_band', 'gender', 'income_band', 'education', 'occupation', 'household_size',
                'has_children', 'days_until_birthday', 'days_until_anniversary', 'occasion_order_count',
                'referral_count', 'was_referred', 'profile_completeness',
            ],
        },
        {
            'model': 'customer_engagement',
            'inputs': [],
            'values': ['engagement_score', 'engagement_level', 'engagement_sources'],
        },
        {
            'model': 'customer_habits',
            'inputs': [],
            'values': ['preferred_channel_90d', 'preferred_hour_band_90d'],
        },
        {
            'model': 'customer_consents',
            'inputs': [],
            'values': [
                'may_market_email', 'may_market_sms', 'may_market_ads', 'may_market_post', 'may_analyse',
                'may_profile', 'may_sell',
            ],
        },
    ]) }}
{%- endmacro %}

{#- The columns of all families, in their order. -#}
{% macro feature_family_columns() -%}
    {%- set columns = [] -%}
    {%- for family in feature_families() -%}
        {%- for part in ['counts', 'flags', 'values', 'of_orders'] -%}
            {%- do columns.extend(family.get(part, [])) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}

{#- The select list of one family: `coverage` names the relation that says which inputs are there. -#}
{% macro family_features(family, coverage) -%}
    {%- set there = [] -%}
    {%- for input in family.inputs -%}
        {%- do there.append(coverage ~ '.has_' ~ input) -%}
    {%- endfor -%}
    {%- set columns = [] -%}
    {%- for part, nothing in {'counts': '0', 'flags': 'false'}.items() -%}
        {%- for column in family.get(part, []) -%}
            {%- do columns.append(
                'case when ' ~ there | join(' and ') ~ ' then coalesce(' ~ family.model ~ '.' ~ column
                ~ ', ' ~ nothing ~ ') end as ' ~ column
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for column in family.get('values', []) -%}
        {%- if there -%}
            {%- do columns.append(
                'case when ' ~ there | join(' and ') ~ ' then ' ~ family.model ~ '.' ~ column ~ ' end as ' ~ column
            ) -%}
        {%- else -%}
            {%- do columns.append(family.model ~ '.' ~ column) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for column in family.get('of_orders', []) -%}
        {%- do columns.append(family.model ~ '.' ~ column) -%}
    {%- endfor -%}
    {{ columns | join(',\n    ') }}
{%- endmacro %}
