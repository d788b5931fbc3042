with

web_events as (
    select * from {{ ref('stg_web_events') }}
),

excluded_devices as (
    select * from {{ ref('excluded_devices') }}
),

-- Whoever was erased signed in all the same: what they did before is not the next one's.
owners as (
    select * from {{ ref('record_owners') }}
),

erased as (
    select distinct customer_id from {{ ref('erased_records') }}
),

sign_ins as (
    select
        web_events.source_system,
        web_events.anonymous_id,
        owners.customer_id,
        web_events.occurred_at
    from web_events
    inner join owners
        on {{ names_record('web_events', 'owners') | indent(8) }}
    left join excluded_devices
        on lower(trim(web_events.device)) = excluded_devices.device
    where web_events.anonymous_id is not null and excluded_devices.device is null
),

device_customers as (
    select distinct
        source_system,
        anonymous_id,
        customer_id
    from sign_ins
),

devices as (
    select
        source_system,
        anonymous_id,
        min(customer_id) as customer_id,
        count(*) as customer_count
    from device_customers
    group by source_system, anonymous_id
    having count(*) <= {{ most_customers_of_a_device() }}
),

moments as (
    select
        sign_ins.source_system,
        sign_ins.anonymous_id,
        sign_ins.occurred_at,
        min(sign_ins.customer_id) as customer_id
    from sign_ins
    inner join devices
        on
            sign_ins.source_system = devices.source_system
            and sign_ins.anonymous_id = devices.anonymous_id
            and devices.customer_count > 1
    group by sign_ins.source_system, sign_ins.anonymous_id, sign_ins.occurred_at
),

with_next as (
    select
        *,
        lead(customer_id) over (
            partition by source_system, anonymous_id
            order by occurred_at asc nulls last
        ) as next_customer_id
    from moments
),

-- Of several sign-ins of one customer in a row the last decides until when the device is theirs.
last_of_their_kind as (
    select *
    from with_next
    where next_customer_id is null or next_customer_id <> customer_id
),

stretches as (
    select
        source_system,
        anonymous_id,
        customer_id,
        cast(null as timestamp) as valid_from,
        cast(null as timestamp) as valid_to
    from devices
    where customer_count = 1
    union all
    select
        source_system,
        anonymous_id,
        customer_id,
        lag(occurred_at) over (
            partition by source_system, anonymous_id
            order by occurred_at asc nulls last
        ) as valid_from,
        case when next_customer_id is not null then occurred_at end as valid_to
    from last_of_their_kind
)

select
    stretches.source_system,
    stretches.anonymous_id,
    stretches.customer_id,
    stretches.valid_from,
    stretches.valid_to
from stretches
left join erased
    on stretches.customer_id = erased.customer_id
where erased.customer_id is null
