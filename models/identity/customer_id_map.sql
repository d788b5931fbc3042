with

changes as (
    select * from {{ ref('identity_changes') }}
),

links as (
    select * from {{ ref('customer_links') }}
),

customers as (
    select * from {{ ref('customers') }}
),

erased as (
    select * from {{ ref('erased_records') }}
),

-- Ids that once were a customer's and are nobody's now, with the instant at which each went.
former as (
    select
        changes.previous_customer_id as former_customer_id,
        max(changes.as_of) as since
    from changes
    left join customers
        on changes.previous_customer_id = customers.customer_id
    left join erased
        on changes.previous_customer_id = erased.record_id
    where
        changes.previous_customer_id is not null
        and customers.customer_id is null
        -- The id of somebody who was erased leads to nobody.
        and erased.record_id is null
    group by changes.previous_customer_id
),

-- The id was made of a record. Where that is gone, the oldest of those last known by it speaks.
successors as (
    select
        former.former_customer_id,
        former.since,
        changes.identity_change,
        links.customer_id
    from former
    inner join changes
        on
            former.former_customer_id = changes.previous_customer_id
            and former.since = changes.as_of
    inner join links
        on changes.record_id = links.record_id
    qualify
        row_number() over (
            partition by former.former_customer_id
            order by
                case
                    when links.record_id = former.former_customer_id then 0
                    else 1
                end asc nulls last,
                links.first_seen_at asc nulls first,
                links.source_system asc nulls last,
                links.reference asc nulls last,
                links.record_kind asc nulls last
        ) = 1
)

select
    former_customer_id,
    customer_id,
    since,
    -- Its record went and came back under another customer.
    case when identity_change = 'gone' then 'merged' else identity_change end as reason
from successors
