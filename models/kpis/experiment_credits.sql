{%- set models = attribution_models() -%}

-- Everybody assigned counts, contacted or not, with the orders that experiment_outcomes counts.
with

customers as (
    select * from {{ ref('experiment_outcomes') }} where exclusion is null
),

-- Nothing is shared of orders that do not count, or come after as_of.
shares as (
    select * from {{ ref('attribution_shares') }}
),

ordered as (
    select
        customers.source_system,
        customers.experiment_id,
        customers.arm,
        orders.source_system as order_source_system,
        orders.order_id
    from customers
    inner join {{ ref('fct_orders') }} as orders
        on
            customers.customer_id = orders.customer_id
            and customers.assigned_at <= orders.ordered_at
            and customers.window_ends_on >= orders.ordered_on
),

credited as (
    select
        ordered.source_system,
        ordered.experiment_id,
        ordered.arm,
        shares.channel,
        {%- for model in models %}
        sum(shares.{{ model }}_revenue) as {{ model }}_revenue
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from ordered
    inner join shares
        on
            ordered.order_source_system = shares.source_system
            and ordered.order_id = shares.order_id
    group by ordered.source_system, ordered.experiment_id, ordered.arm, shares.channel
)

{% for model in models -%}
select
    source_system,
    experiment_id,
    arm,
    channel,
    '{{ model }}' as attribution_model,
    cast({{ model }}_revenue as decimal(18, 4)) as attributed_revenue
from credited
{%- if not loop.last %}
union all
{% endif %}
{%- endfor %}
