-- Who takes the place of a customer takes it here too; who exists no more leaves.
with

standing as (
    select * from {{ ref('segment_standing') }}
),

catalogue as (
    select * from {{ ref('segment_catalogue') }} where kind = 'frozen'
),

former_ids as (
    select * from {{ ref('customer_id_map') }}
),

settings as (
    select * from {{ source('run', 'settings') }}
),

existing as (
    select
        'customer' as entity,
        customer_id as member_id
    from {{ ref('known_customers') }}
    union all
    select
        'account' as entity,
        account_id as member_id
    from {{ ref('accounts') }}
)

select distinct
    settings.as_of,
    catalogue.segment_model,
    catalogue.segment_key,
    existing.entity,
    existing.member_id,
    'published' as basis
from standing
cross join settings
inner join catalogue
    on standing.segment_key = catalogue.segment_key
left join former_ids
    on standing.member_id = former_ids.former_customer_id
inner join existing
    on
        standing.entity = existing.entity
        and coalesce(former_ids.customer_id, standing.member_id) = existing.member_id
