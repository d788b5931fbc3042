with

leads as (
    select * from {{ ref('stg_leads') }}
),

links as (
    select * from {{ ref('customer_links') }}
),

settings as (
    select * from {{ source('run', 'settings') }}
)

select
    leads.source_system,
    leads.lead_id,
    links.customer_id,
    leads.source,
    leads.created_at,
    {{ business_date('leads.created_at', 'settings.business_time_zone') }} as created_on,
    leads.converted_at,
    leads.lost_at
from leads
cross join settings
left join links
    on {{ names_record('leads', 'links') | indent(8) }}
