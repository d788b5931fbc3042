{#- Every KPI of a segment in a period, once: over the columns of segment_period_totals.

    kind `amount`: `numerator` is the value, the denominator is NULL
    kind `ratio`:  value = numerator / denominator to 6 places, NULL when the denominator is 0
    `sample`       how many customers (or gaps) the figure rests on
    `needs`        a condition without which all of it is NULL
    `none`         whether <group>_none has the KPI -#}
{% macro segment_kpi_definitions() -%}
    {{ return([
        {'kpi': 'members', 'category': 'segment_health', 'unit': 'customers', 'kind': 'amount',
         'numerator': 'closing_count', 'sample': 'closing_count', 'needs': 'true', 'none': true},
        {'kpi': 'entered', 'category': 'segment_health', 'unit': 'customers', 'kind': 'amount',
         'numerator': 'entered_count', 'sample': 'entered_count', 'needs': 'true', 'none': false},
        {'kpi': 'exited', 'category': 'segment_health', 'unit': 'customers', 'kind': 'amount',
         'numerator': 'exited_count', 'sample': 'exited_count', 'needs': 'true', 'none': false},
        {'kpi': 'revenue', 'category': 'financial', 'unit': 'currency', 'kind': 'amount',
         'numerator': 'any_net_revenue', 'sample': 'customer_count', 'needs': 'has_anybody', 'none': true},
        {'kpi': 'average_order_value', 'category': 'behaviour', 'unit': 'currency', 'kind': 'ratio',
         'numerator': 'any_net_revenue', 'denominator': 'any_order_count', 'sample': 'any_order_count',
         'needs': 'has_anybody', 'none': true},
        {'kpi': 'purchase_frequency', 'category': 'behaviour', 'unit': 'orders per customer', 'kind': 'ratio',
         'numerator': 'order_count', 'denominator': 'customer_count', 'sample': 'customer_count',
         'needs': 'customer_count > 0', 'none': true},
        {'kpi': 'days_between_orders', 'category': 'behaviour', 'unit': 'days', 'kind': 'amount',
         'numerator': 'median_gap_days', 'sample': 'gap_count', 'needs': 'gap_count > 0', 'none': true},
        {'kpi': 'retention_rate', 'category': 'segment_health', 'unit': 'rate', 'kind': 'ratio',
         'numerator': 'retained_count', 'denominator': 'active_at_start_count',
         'sample': 'active_at_start_count', 'needs': 'customer_count > 0', 'none': true},
        {'kpi': 'churn_rate', 'category': 'segment_health', 'unit': 'rate', 'kind': 'ratio',
         'numerator': 'active_at_start_count - retained_count', 'denominator': 'active_at_start_count',
         'sample': 'active_at_start_count', 'needs': 'customer_count > 0', 'none': true},
        {'kpi': 'repeat_purchase_rate', 'category': 'behaviour', 'unit': 'rate', 'kind': 'ratio',
         'numerator': 'repeat_buyer_count_365d', 'denominator': 'buyer_count_365d',
         'sample': 'buyer_count_365d', 'needs': 'customer_count > 0', 'none': true},
        {'kpi': 'customer_lifetime_value_historic', 'category': 'financial', 'unit': 'currency', 'kind': 'ratio',
         'numerator': 'net_revenue_to_date', 'denominator': 'customer_count', 'sample': 'customer_count',
         'needs': 'customer_count > 0', 'none': true},
        {'kpi': 'customer_lifetime_value_formula', 'category': 'financial', 'unit': 'currency', 'kind': 'ratio',
         'numerator': 'case when churned_over_year_count * 10 <= active_a_year_ago_count'
                      ~ ' then net_revenue_365d * 10 else net_revenue_365d * active_a_year_ago_count end',
         'denominator': 'case when churned_over_year_count * 10 <= active_a_year_ago_count'
                        ~ ' then customer_count else customer_count * churned_over_year_count end',
         'sample': 'customer_count',
         'needs': 'customer_count > 0 and active_a_year_ago_count > 0 and order_count_365d > 0', 'none': true},
    ]) }}
{%- endmacro %}
