{%- set families = feature_families() -%}

with

orders as (
    select * from {{ ref('customer_order_features') }}
),

coverage as (
    select * from {{ ref('source_coverage') }}
)

select
    orders.*,
    {%- for family in families %}
    {{ family_features(family, 'coverage') }},
    {%- endfor %}
    coverage.features_missing
from orders
inner join coverage
    on orders.as_of = coverage.as_of
{%- for family in families %}
left join {{ ref(family.model) }} as {{ family.model }}
    on
        orders.as_of = {{ family.model }}.as_of
        and orders.customer_id = {{ family.model }}.customer_id
{%- endfor %}
