with

settings as (
    select * from {{ source('run', 'settings') }}
),

requests as (
    select erasure_requests.*
    from {{ ref('stg_erasure_requests') }} as erasure_requests
    inner join settings
        on erasure_requests.requested_at <= settings.as_of
),

-- Placeholders are no names here, so that a request by one forgets nobody.
sightings as (
    select * from {{ ref('sightings') }}
),

-- Whoever carries the name is meant, also where too many carry it to be linked by it: to forget one
-- too many is mended by telling who was meant, to keep one too many is a breach.
named as (
    {%- for asked, seen in [
        ('customer_ref', 'customer_ref'), ('email', 'email'), ('phone_e164', 'phone'),
    ] %}
    select
        requests.source_system as request_system,
        requests.request_id,
        sightings.source_system,
        sightings.customer_ref,
        sightings.email,
        sightings.phone
    from requests
    inner join sightings
        on
            requests.{{ asked }} = sightings.{{ seen }}
            {%- if asked == 'customer_ref' %}
            and requests.source_system = sightings.source_system
            {%- endif %}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select distinct
    request_system as source_system,
    request_id,
    {{ customer_id_of(
        record_system('source_system', 'customer_ref', 'email'),
        'coalesce(customer_ref, email, phone)'
    ) }} as record_id
from named
