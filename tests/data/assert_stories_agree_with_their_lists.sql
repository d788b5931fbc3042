-- Somebody who reads both to a customer says two different things: an order that is not in the
-- list, a ticket that is counted and not told, a customer who has a profile and no story.
with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

profiles as (
    select profiles.customer_id
    from {{ ref('customer_profiles') }} as profiles
    inner join spine on profiles.as_of = spine.as_of
),

stories as (
    select * from {{ ref('customer_360') }}
),

orders as (
    select
        customer_id,
        count(*) as order_count,
        max(ordered_at) as last_order_at
    from {{ ref('customer_recent_orders') }}
    group by customer_id
),

tickets as (
    select
        customer_id,
        count(*) as open_ticket_count
    from {{ ref('customer_open_tickets') }}
    group by customer_id
),

told as (
    select
        coalesce(profiles.customer_id, stories.customer_id) as customer_id,
        profiles.customer_id is not null and stories.customer_id is not null as is_told,
        stories.last_order_at,
        orders.last_order_at as listed_order_at,
        least(stories.order_count_lifetime, {{ var('recent_order_count') }}) as recent_order_count,
        coalesce(orders.order_count, 0) as listed_order_count,
        coalesce(stories.open_ticket_count, 0) as open_ticket_count,
        coalesce(tickets.open_ticket_count, 0) as listed_ticket_count
    from profiles
    full outer join stories
        on profiles.customer_id = stories.customer_id
    left join orders
        on stories.customer_id = orders.customer_id
    left join tickets
        on stories.customer_id = tickets.customer_id
)

select *
from told
where
    not is_told
    or (last_order_at is null) <> (listed_order_at is null)
    or last_order_at <> listed_order_at
    or recent_order_count <> listed_order_count
    or open_ticket_count <> listed_ticket_count
