with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

revenue as (
    select * from {{ ref('fct_revenue') }}
),

span as (
    select
        min(revenue.occurred_on) as first_order_on,
        {{ add_days(quarter_start('min(revenue.occurred_on)'), -6) }} as first_day,
        max(spine.as_of_on) as last_day
    from revenue
    inner join spine
        on revenue.occurred_at <= spine.as_of
    where revenue.kind = 'order'
),

days as (
    {{ date_series('span', 'first_day', 'last_day', 'day') | indent(4) }}
)

{% for grain in period_grains() -%}
select
    '{{ grain }}' as period_grain,
    {{ period_start('days.day', grain) }} as period_start,
    days.day as occurred_on
from days
cross join span
where days.day >= {{ period_start('span.first_order_on', grain) }}
{%- if not loop.last %}
union all
{% endif %}
{%- endfor %}
