with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

tickets as (
    select * from {{ ref('stg_support_tickets') }}
),

links as (
    select * from {{ ref('customer_links') }}
)

select
    links.customer_id,
    tickets.opened_at,
    tickets.source_system,
    tickets.ticket_id,
    tickets.category,
    tickets.priority
from tickets
inner join links
    on {{ names_record('tickets', 'links') | indent(8) }}
inner join spine
    on
        tickets.opened_at <= spine.as_of
        and (tickets.closed_at is null or tickets.closed_at > spine.as_of)
