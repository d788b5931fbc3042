{%- set models = attribution_models() -%}
{%- set sharing = sharing_attribution_models() -%}

-- Wide, so that rows many times the orders are written once; attribution_credits is the long form.
with

paths as (
    select * from {{ ref('attribution_paths') }}
),

rounded as (
    select
        *,
        {%- for model in sharing %}
        {{ attribution_share(model) }} as rounded_{{ model }}_credit,
        {{ attribution_amount(model) }} as rounded_{{ model }}_revenue
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from paths
),

summed as (
    select
        {%- for model in sharing %}
        sum(rounded_{{ model }}_credit) over (
            partition by source_system, order_id
        ) as {{ model }}_credit_sum,
        sum(rounded_{{ model }}_revenue) over (
            partition by source_system, order_id
        ) as {{ model }}_revenue_sum,
        {%- endfor %}
        *
    from rounded
)

select
    source_system,
    order_id,
    touch_kind,
    touch_id,
    channel,
    campaign_id,
    {%- for model in models %}
    {%- if model in sharing %}
    -- The last touch gets what rounding left.
    cast(
        rounded_{{ model }}_credit
        + case when touch_number = touch_count then 1 - {{ model }}_credit_sum else 0 end
        as decimal(18, 6)
    ) as {{ model }}_credit,
    cast(
        rounded_{{ model }}_revenue
        + case
            when touch_number = touch_count then net_revenue - {{ model }}_revenue_sum else 0
        end
        as decimal(18, 4)
    ) as {{ model }}_revenue,
    {%- else %}
    cast({{ attribution_weight(model) }} as decimal(18, 6)) as {{ model }}_credit,
    cast(net_revenue * ({{ attribution_weight(model) }}) as decimal(18, 4)) as {{ model }}_revenue,
    {%- endif %}
    {%- endfor %}
    touched_at,
    ordered_at,
    ordered_on
from summed
