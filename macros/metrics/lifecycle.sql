{#- What more than one model asks of the lifecycle: its thresholds and who is overdue. The stages and their order stand
    in customer_lifecycle. -#}

{#- A query: one row with the given thresholds of the seed lifecycle_thresholds as columns. -#}
{% macro lifecycle_thresholds_of(names) -%}
select
    {%- for name in names %}
    max(days_or_count) filter (
        where threshold = '{{ name }}'
    ) as {{ name }}
    {%- if not loop.last %},{% endif %}
    {%- endfor %}
from {{ ref('lifecycle_thresholds') }}
{%- endmacro %}

{#- The thresholds that is_overdue reads. -#}
{% macro overdue_thresholds() -%}
    {{ return([
        'overdue_minimum_order_dates', 'overdue_gap_multiple', 'overdue_minimum_days', 'overdue_default_days',
    ]) }}
{%- endmacro %}

{#- Whether a customer of `customers` with an order is later than their own rhythm, or than the default where they have
    none, explains: days_since_last_order, order_day_count_lifetime and median_days_between_orders, of one instant;
    `thresholds` has overdue_thresholds. A condition. -#}
{% macro is_overdue(customers, thresholds) -%}
    {{ customers }}.days_since_last_order > case
        when {{ customers }}.order_day_count_lifetime >= {{ thresholds }}.overdue_minimum_order_dates
            then greatest(
                {{ thresholds }}.overdue_gap_multiple * {{ customers }}.median_days_between_orders,
                {{ thresholds }}.overdue_minimum_days
            )
        else {{ thresholds }}.overdue_default_days
    end
{%- endmacro %}
