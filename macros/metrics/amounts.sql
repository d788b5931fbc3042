{#- Formulas over amounts; each stands here once. -#}

{#- A ratio of two columns: decimal(18,6), rounded half even, NULL when the denominator is 0. -#}
{% macro ratio(numerator, denominator) -%}
    {{ exact_ratio(numerator, denominator, 6, 18) }}
{%- endmacro %}

{#- An amount per something: decimal(18,4), rounded half even, NULL when the denominator is 0. -#}
{% macro amount_per(amount, denominator) -%}
    {{ exact_ratio(amount, denominator, 4, 18) }}
{%- endmacro %}

{#- Average order value = net revenue / counting orders of the same window. -#}
{% macro average_order_value(net_revenue, order_count) -%}
    {{ amount_per(net_revenue, order_count) }}
{%- endmacro %}

{#- Net amount of an order line: quantity x unit price - discount, rounded half even to 4 places. -#}
{% macro line_amount(quantity, unit_price, discount_amount) -%}
    {{ round_half_even(
        'cast(' ~ quantity ~ ' as decimal(19, 4)) * cast(' ~ unit_price ~ ' as decimal(19, 4)) - coalesce(' ~ discount_amount ~ ', 0)'
    ) }}
{%- endmacro %}

{#- Whether a status counts; a missing status is completed. -#}
{% macro status_counts(status) -%}
    coalesce({{ status }}, 'completed') in ('placed', 'paid', 'shipped', 'completed')
{%- endmacro %}

{#- Whether a day lies in the last `days` business days that end with `last_day`:
    the last day itself is day 1, so it is in on day `days` and out on day `days` + 1. -#}
{% macro in_last_days(day, last_day, days) -%}
    {{ day }} > {{ add_days(last_day, -1 * (days | int)) }} and {{ day }} <= {{ last_day }}
{%- endmacro %}

{#- The least value of a column over the lines of an order that count, or over all of them if none does:
    the lines that remain form the order. An aggregate over stg_order_lines. -#}
{% macro of_counting_lines(column) -%}
    coalesce(min({{ column }}) filter (where {{ status_counts('status') }}), min({{ column }}))
{%- endmacro %}

{#- An amount in the reporting currency: as it is where it is in that, else times the rate of its business
    date, rounded half even to 4 places; NULL where there is no rate, which stops the refresh. A missing
    currency is the reporting currency. -#}
{% macro in_reporting_currency(amount, currency, reporting_currency, rate) -%}
    case
        when {{ currency }} is null or {{ currency }} = {{ reporting_currency }} then {{ amount }}
        else {{ round_half_even(
            'cast(' ~ amount ~ ' as decimal(18, 4)) * cast(' ~ rate ~ ' as decimal(18, 8))'
        ) }}
    end
{%- endmacro %}

{#- Share of the net amount of orders that was bought at a discount; NULL where that amount is not above 0. -#}
{% macro discount_share(discounted_net_amount, order_net_amount) -%}
    case
        when {{ order_net_amount }} > 0 then {{ ratio(discounted_net_amount, order_net_amount) }}
    end
{%- endmacro %}

{#- What the last `days` brought in beside what as many of the last `long_days` did: 1 is steady, above 1 is
    upside potential. NULL where these brought in nothing. -#}
{% macro spend_trend(net_revenue, days, long_net_revenue, long_days) -%}
    case
        when {{ long_net_revenue }} > 0
            then {{ ratio(
                'coalesce(' ~ net_revenue ~ ', 0) * ' ~ long_days, long_net_revenue ~ ' * ' ~ days
            ) }}
    end
{%- endmacro %}
