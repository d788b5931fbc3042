-- Which attributes of customers can be built on, and which are mostly empty.
{%- set attributes = [
    'email', 'phone', 'country', 'region', 'city', 'postal_code', 'birth_date', 'gender', 'income_band',
    'education', 'occupation', 'household_size', 'has_children', 'account_ref', 'acquisition_channel',
    'created_at',
] %}

with

erased as (
    select * from {{ ref('erased_records') }} where record_kind = 'reference'
),

-- What is known of somebody who was erased is used no more, and so says nothing.
customers as (
    select customers.*
    from {{ ref('stg_customers') }} as customers
    left join erased
        on
            customers.source_system = erased.source_system
            and customers.customer_ref = erased.reference
    where erased.record_id is null
),

counted as (
    {%- for attribute in attributes %}
    select
        '{{ attribute }}' as attribute_name,
        count(*) as record_count,
        count({{ attribute }}) as filled_count
    from customers
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    'customers' as entity,
    attribute_name,
    record_count,
    filled_count,
    {{ ratio('filled_count', 'record_count') }} as fill_rate
from counted
