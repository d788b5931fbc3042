{%- set counted_names = ['page_view', 'product_view', 'add_to_cart', 'download', 'search'] -%}

with

events as (
    select * from {{ ref('fct_web_events') }} where customer_id is not null
),

cuts as (
    select * from {{ ref('as_of_cuts') }}
)

select
    events.customer_id,
    events.occurred_on,
    cuts.cut_at,
    cast(count(*) as int) as event_count,
    cast(count(*) filter (where events.is_session_start) as int) as session_count,
    {%- for name in counted_names %}
    cast(count(*) filter (where events.event_name = '{{ name }}') as int) as {{ name }}_count,
    {%- endfor %}
    cast(coalesce(sum(events.seconds_since_previous), 0) as bigint) as seconds_on_site,
    max(events.occurred_at) as last_occurred_at
from events
left join cuts
    on {{ of_cut('events', 'cuts') | indent(8) }}
group by events.customer_id, events.occurred_on, cuts.cut_at
