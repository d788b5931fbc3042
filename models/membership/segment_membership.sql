{%- set default_list = priority_list('default') -%}

with

history as (
    select * from {{ ref('segment_membership_history') }}
),

catalogue as (
    select * from {{ ref('segment_catalogue') }}
),

standing as (
    select
        history.segment_key,
        history.customer_id,
        history.valid_from as entered_at,
        catalogue.priority,
        history.segment_key in (
            {%- for key in default_list %}
            '{{ key }}'{% if not loop.last %},{% endif %}
            {%- endfor %}
        ) as is_listed
    from history
    inner join catalogue
        on history.segment_key = catalogue.segment_key
    where history.valid_to is null
),

-- Priorities within a list are distinct, so that the least of them names one winner.
winners as (
    select
        customer_id,
        min(priority) as priority
    from standing
    where is_listed
    group by customer_id
)

select
    standing.segment_key,
    standing.customer_id,
    standing.entered_at,
    coalesce(standing.is_listed and standing.priority = winners.priority, false) as is_primary
from standing
left join winners
    on standing.customer_id = winners.customer_id
