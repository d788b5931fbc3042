{#- The golden record, attribute by attribute. They are compared as texts and get their types back;
    an address is one attribute, for people move as a whole. -#}
{%- set attributes = {
    'birth_date': 'date',
    'gender': 'string',
    'income_band': 'string',
    'education': 'string',
    'occupation': 'string',
    'household_size': 'int',
    'has_children': 'boolean',
    'acquisition_channel': 'string',
    'acquisition_campaign_id': 'string',
} -%}

with

links as (
    select * from {{ ref('customer_links') }} where record_kind = 'reference'
),

survivorship as (
    select * from {{ ref('survivorship') }}
),

records as (
    select
        links.customer_id,
        customers.*
    from {{ ref('stg_customers') }} as customers
    inner join links
        on {{ names_record('customers', 'links', has_email=false) }}
),

-- A row per record and attribute that it has.
candidates as (
    select
        customer_id,
        source_system,
        customer_ref,
        created_at,
        updated_at,
        'address' as attribute_name,
        cast(null as string) as attribute_value
    from records
    where coalesce(country, region, city) is not null
    {%- for attribute in attributes %}
    union all
    select
        customer_id,
        source_system,
        customer_ref,
        created_at,
        updated_at,
        '{{ attribute }}' as attribute_name,
        cast({{ attribute }} as string) as attribute_value
    from records
    where {{ attribute }} is not null
    {%- endfor %}
),

survivors as (
    select candidates.*
    from candidates
    inner join survivorship
        on candidates.attribute_name = survivorship.attribute_name
    qualify
        row_number() over (
            partition by candidates.customer_id, candidates.attribute_name
            order by
                nullif(instr(
                    '|' || survivorship.source_order || '|',
                    '|' || candidates.source_system || '|'
                ), 0) asc nulls last,
                case
                    when survivorship.survivor = 'first'
                        then coalesce(candidates.created_at, candidates.updated_at)
                end asc nulls last,
                case
                    when survivorship.survivor = 'latest'
                        then coalesce(candidates.updated_at, candidates.created_at)
                end desc nulls last,
                candidates.source_system asc nulls last,
                candidates.customer_ref asc nulls last
        ) = 1
),

golden as (
    select
        customer_id,
        {%- for attribute, type in attributes.items() %}
        cast(max(attribute_value) filter (
            where attribute_name = '{{ attribute }}'
        ) as {{ type }}) as {{ attribute }}{% if not loop.last %},{% endif %}
        {%- endfor %}
    from survivors
    group by customer_id
),

addresses as (
    select * from survivors where attribute_name = 'address'
)

select
    golden.*,
    records.country,
    records.country_code,
    records.region,
    records.subdivision_code,
    records.city
from golden
left join addresses
    on golden.customer_id = addresses.customer_id
left join records
    on
        addresses.source_system = records.source_system
        and addresses.customer_ref = records.customer_ref
