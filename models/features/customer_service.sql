with

spine as (
    select * from {{ ref('as_of_spine') }}
),

settings as (
    select * from {{ source('run', 'settings') }}
),

links as (
    select * from {{ ref('customer_links') }}
),

tickets as (
    select
        links.customer_id,
        tickets.csat_score,
        tickets.is_feature_request,
        tickets.opened_at,
        tickets.closed_at,
        coalesce(tickets.closed_at, tickets.opened_at) as rated_at,
        {{ business_date('tickets.opened_at', 'settings.business_time_zone') }} as opened_on
    from {{ ref('stg_support_tickets') }} as tickets
    inner join links
        on {{ names_record('tickets', 'links') | indent(12) }}
    cross join settings
),

counts as (
    select
        spine.as_of,
        tickets.customer_id,
        cast(count(*) filter (
            where {{ in_last_days('tickets.opened_on', 'spine.as_of_on', 90) }}
        ) as int) as ticket_count_90d,
        cast(count(*) filter (
            where {{ in_last_days('tickets.opened_on', 'spine.as_of_on', 365) }}
        ) as int) as ticket_count_365d,
        cast(count(*) filter (
            where tickets.closed_at is null or tickets.closed_at > spine.as_of
        ) as int) as open_ticket_count,
        cast(count(*) filter (
            where
            tickets.is_feature_request
            and {{ in_last_days('tickets.opened_on', 'spine.as_of_on', 365) }}
        ) as int) as feature_request_count_365d,
        max(tickets.opened_at) as last_ticket_opened_at
    from tickets
    cross join spine
    where tickets.opened_at <= spine.as_of
    group by spine.as_of, tickets.customer_id
),

-- A score is given when the ticket is closed; without that time, it is as old as the ticket.
last_ratings as (
    select
        spine.as_of,
        tickets.customer_id,
        tickets.csat_score
    from tickets
    cross join spine
    where
        tickets.csat_score is not null
        and tickets.opened_at <= spine.as_of
        and tickets.rated_at <= spine.as_of
    qualify
        row_number() over (
            partition by spine.as_of, tickets.customer_id
            order by tickets.rated_at desc nulls last, tickets.csat_score asc nulls last
        ) = 1
)

select
    counts.as_of,
    counts.customer_id,
    counts.ticket_count_90d,
    counts.ticket_count_365d,
    counts.open_ticket_count,
    counts.feature_request_count_365d,
    last_ratings.csat_score as last_csat_score,
    counts.last_ticket_opened_at
from counts
left join last_ratings
    on counts.as_of = last_ratings.as_of and counts.customer_id = last_ratings.customer_id
