-- Stays of customers who were published under several ids. At each observed instant one of them
-- speaks for the customer in each segment and each exclusive group: the present id, else the least
-- of the former.
with

former_ids as (
    select * from {{ ref('customer_id_map') }}
),

history as (
    select * from {{ ref('segment_membership_history') }}
),

catalogue as (
    select * from {{ ref('segment_catalogue') }}
),

instants as (
    select
        segment_key,
        as_of,
        lag(as_of) over (partition by segment_key order by as_of asc nulls last) as previous_as_of,
        lead(as_of) over (partition by segment_key order by as_of asc nulls last) as next_as_of
    from {{ ref('segment_observations') }}
),

ids as (
    select
        former_customer_id as observed_customer_id,
        customer_id
    from former_ids
    union all
    select distinct
        customer_id as observed_customer_id,
        customer_id
    from former_ids
),

observed as (
    select
        history.segment_key,
        ids.customer_id,
        instants.as_of,
        instants.previous_as_of,
        instants.next_as_of
    from ids
    inner join history
        on ids.observed_customer_id = history.customer_id
    left join catalogue
        on history.segment_key = catalogue.segment_key
    inner join instants
        on
            history.segment_key = instants.segment_key
            and history.valid_from <= instants.as_of
            and (history.valid_to is null or history.valid_to > instants.as_of)
    qualify
        row_number() over (
            partition by
                ids.customer_id,
                coalesce(catalogue.exclusive_group || ' group', history.segment_key),
                instants.as_of
            order by
                case
                    when ids.observed_customer_id = ids.customer_id then 0
                    else 1
                end asc nulls last,
                ids.observed_customer_id asc nulls last
        ) = 1
),

with_neighbours as (
    select
        *,
        lag(as_of) over (
            partition by segment_key, customer_id order by as_of asc nulls last
        ) as inside_before,
        lead(as_of) over (
            partition by segment_key, customer_id order by as_of asc nulls last
        ) as inside_after
    from observed
),

ends as (
    select
        *,
        inside_before is null or inside_before <> previous_as_of as is_start,
        inside_after is null or inside_after <> next_as_of as is_end
    from with_neighbours
),

bounds as (
    select
        segment_key,
        customer_id,
        as_of as valid_from,
        is_start,
        case
            when is_end then next_as_of
            else lead(next_as_of) over (
                partition by segment_key, customer_id order by as_of asc nulls last
            )
        end as valid_to
    from ends
    where is_start or is_end
)

select
    segment_key,
    customer_id,
    valid_from,
    valid_to
from bounds
where is_start
