{%- set steps = ['delivered', 'opened', 'clicked'] -%}

with

events as (
    select * from {{ ref('fct_message_events') }} where customer_id is not null
)

select
    customer_id,
    message_key,
    min(channel) as channel,
    min(campaign_id) as campaign_id,
    bool_or(is_promotional) as is_promotional,
    {%- for step in steps %}
    min(occurred_at) filter (where event_name = '{{ step }}') as first_{{ step }}_at,
    min(occurred_on) filter (where event_name = '{{ step }}') as first_{{ step }}_on
    {%- if not loop.last %},{% endif %}
    {%- endfor %}
from events
group by customer_id, message_key
