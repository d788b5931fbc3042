-- A segment whose joins fan out lists a customer twice. Nothing here hides that: the unique test
-- fails and the refresh stops, which is what we want.
with

observations as (
    select * from {{ source('run', 'observations') }}
),

members as (
    {%- for entry in segment_models() %}
    select
        as_of,
        '{{ entry.model }}' as segment_model,
        {% if entry.key %}'{{ entry.key }}' as {% endif %}segment_key,
        customer_id
    from {{ ref(entry.model) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    members.as_of,
    members.segment_model,
    members.segment_key,
    members.customer_id,
    observations.basis
from members
inner join observations
    on members.segment_model = observations.segment_model and members.as_of = observations.as_of
