-- A touch that is lost or doubled on the way would give an order away in part, or twice.
with

shares as (
    select * from {{ ref('attribution_shares') }}
),

summed as (
    select
        source_system,
        order_id,
        {%- for model in attribution_models() %}
        sum({{ model }}_credit) as {{ model }}_sum
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from shares
    group by source_system, order_id
)

select
    source_system,
    order_id
from summed
where not (
    {%- for model in attribution_models() %}
    {{ model }}_sum = 1 and
    {%- endfor %}
    true
)
