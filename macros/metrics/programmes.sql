{#- What segmentation brings in (docs/experiments.md, docs/metrics.md), each formula once. -#}

{#- RO-01: incremental revenue = (new average revenue - old average revenue) x customers; decimal(18,4). -#}
{% macro incremental_revenue(new_average, old_average, customer_count) -%}
    {{ round_half_even(
        '(cast(' ~ new_average ~ ' as decimal(27, 10)) - cast(' ~ old_average ~ ' as decimal(27, 10))) * cast('
        ~ customer_count ~ ' as decimal(9, 0))'
    ) }}
{%- endmacro %}

{#- RO-02: return = (incremental revenue - cost) / cost; a fraction (900 % is 9.0), NULL without a cost. -#}
{% macro return_on_cost(gain, cost) -%}
    {{ ratio('(' ~ gain ~ ') - (' ~ cost ~ ')', cost) }}
{%- endmacro %}

{#- The KPIs of the before/after report, in its order.

    kind `last`        a state, such as a lifetime value: that of the last month of the phase
    kind `pooled`      a flow: numerators and denominators are summed over the months of the phase
    kind `per_member`  an amount per customer and month: the denominator is the sample
    kind `per_month`   an amount per month: the denominator is the number of months
    `better`           which way is good -#}
{% macro programme_metrics_reported() -%}
    {{ return([
        {'metric': 'customer_lifetime_value_historic', 'name': 'Average customer lifetime value', 'kind': 'last',
         'better': 'more', 'unit': 'currency'},
        {'metric': 'conversion_rate', 'name': 'Conversion rate', 'kind': 'pooled', 'better': 'more', 'unit': 'rate'},
        {'metric': 'customer_acquisition_cost', 'name': 'Customer acquisition cost', 'kind': 'pooled',
         'better': 'less', 'unit': 'currency'},
        {'metric': 'churn_rate', 'name': 'Churn rate', 'kind': 'pooled', 'better': 'less', 'unit': 'rate'},
        {'metric': 'repeat_purchase_rate', 'name': 'Repeat purchase rate', 'kind': 'last', 'better': 'more',
         'unit': 'rate'},
        {'metric': 'average_order_value', 'name': 'Average order value', 'kind': 'pooled', 'better': 'more',
         'unit': 'currency'},
        {'metric': 'purchase_frequency', 'name': 'Orders per customer and month', 'kind': 'pooled',
         'better': 'more', 'unit': 'orders'},
        {'metric': 'revenue', 'name': 'Average revenue per customer', 'kind': 'per_member', 'better': 'more',
         'unit': 'currency'},
        {'metric': 'weekday_dinner_visits', 'name': 'Weekday dinner visits a month', 'kind': 'per_month',
         'better': 'more', 'unit': 'visits'},
        {'metric': 'roi', 'name': 'Return on marketing and sales', 'kind': 'pooled', 'better': 'more',
         'unit': 'rate'},
    ]) }}
{%- endmacro %}

{#- The names of the metrics reported whose key is the value, as a list in SQL. -#}
{% macro programme_metrics_where(key, value) -%}
    {%- set names = programme_metrics_reported() | selectattr(key, 'equalto', value) | map(attribute='metric') | list -%}
    ('{{ names | join("', '") }}')
{%- endmacro %}

{#- A share as percent with one decimal place, as a text; without its sign. -#}
{% macro percent_text(share) -%}
    cast({{ round_half_even('abs(' ~ share ~ ') * 100', 1) }} as string) || ' %'
{%- endmacro %}

{#- Relative change as a fraction: (after - before) / before; NULL where before is 0. Both have 6 places at most, a
    ratio takes 4, hence the hundredfold of both. -#}
{% macro relative_change(after, before) -%}
    {{ ratio(
        'cast((' ~ after ~ ' - ' ~ before ~ ') * 100 as decimal(22, 4))', 'cast(' ~ before ~ ' * 100 as decimal(22, 4))'
    ) }}
{%- endmacro %}

{#- What a line of the report says to somebody who reads no numbers: over the columns of `lines`. -#}
{% macro programme_impact() -%}
    case
        when lines.method = 'incremental' and lines.verdict = 'invalid'
            then 'Invalid: ' || lines.reason
        when lines.method = 'incremental' and lines.verdict = 'running'
            then 'Not yet: ' || lines.reason
        when lines.method = 'incremental' and lines.verdict = 'cannot tell'
            then 'Cannot tell: ' || lines.reason
        when lines.metric = 'return_on_segmentation' and lines.programme_cost is null
            then 'No return: the cost of the programme is not known'
        when lines.metric = 'return_on_segmentation' and lines.programme_cost = 0
            then 'No return: the programme cost nothing'
        when lines.after_value is null then 'No comparison: there is no value of the time after'
        when lines.metric = 'return_on_segmentation' and lines.after_value > 0
            then 'Brought in more than it cost'
        when lines.metric = 'return_on_segmentation' and lines.after_value < 0
            then 'Brought in less than it cost'
        when lines.metric = 'return_on_segmentation' then 'Brought in what it cost'
        when lines.metric = 'incremental_revenue' and lines.after_value > 0 then 'More revenue'
        when lines.metric = 'incremental_revenue' and lines.after_value < 0 then 'Less revenue'
        when lines.metric = 'incremental_revenue' then 'No change'
        when lines.before_value is null then 'No comparison: there is no value of the time before'
        when lines.change_absolute = 0 then 'No change'
        when (lines.change_absolute > 0) = (lines.better = 'more')
            then 'Better' || coalesce(' by ' || {{ percent_text('lines.change_relative') }}, '')
        else 'Worse' || coalesce(' by ' || {{ percent_text('lines.change_relative') }}, '')
    end
{%- endmacro %}

{#- The margin in an amount of revenue; NULL where nobody knows the margin rate. -#}
{% macro margin_of(amount, margin_rate) -%}
    {{ round_half_even(amount ~ ' * cast(' ~ margin_rate ~ ' as decimal(19, 6))') }}
{%- endmacro %}

{#- The quality of a figure made of two: incomplete where the inputs of one were; a missing one says nothing. -#}
{% macro worst_verdict(one, other) -%}
    case
        when coalesce({{ one }}, 'ok') = 'ok' and coalesce({{ other }}, 'ok') = 'ok' then 'ok'
        else 'inputs_incomplete'
    end
{%- endmacro %}
