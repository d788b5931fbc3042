{{ config(materialized='view') }}

with

shares as (
    select * from {{ ref('attribution_shares') }}
)

{% for model in attribution_models() -%}
select
    source_system,
    order_id,
    '{{ model }}' as attribution_model,
    touch_kind,
    touch_id,
    channel,
    campaign_id,
    {{ model }}_credit as credit,
    {{ model }}_revenue as attributed_revenue,
    touched_at,
    ordered_at,
    ordered_on
from shares
where {{ model }}_credit <> 0
{%- if not loop.last %}
union all
{% endif %}
{%- endfor %}
