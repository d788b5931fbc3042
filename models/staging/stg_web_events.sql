-- Read by many models and long to sort, so that it is a table, without what none of them reads.
with

web_events as (
    select * from {{ source('raw', 'web_events') }}
),

rules as (
    select * from {{ ref('channel_rules') }}
),

latest as (
    select *
    from web_events
    {{ keep_latest(['source_system', 'event_id']) }}
),

-- A page of the site itself that leads to another says nothing of where the visit came from.
with_hosts as (
    select
        *,
        nullif(lower(trim(utm_medium)), '') as tagged_medium,
        nullif(lower(trim(utm_source)), '') as tagged_source,
        case
            when {{ host_of('referrer') }} = {{ host_of('page_url') }} then null
            else {{ host_of('referrer') }}
        end as referrer_host
    from latest
),

-- Each way to come is looked up once, however many events came by it.
ways as (
    select distinct
        coalesce(tagged_medium, '') as tagged_medium,
        coalesce(tagged_source, '') as tagged_source,
        coalesce(referrer_host, '') as referrer_host
    from with_hosts
),

first_rules as (
    select
        ways.tagged_medium,
        ways.tagged_source,
        ways.referrer_host,
        min(rules.priority) as priority
    from ways
    inner join rules
        on
            {{ fits_pattern('ways.tagged_medium', 'rules.utm_medium') }}
            and {{ fits_pattern('ways.tagged_source', 'rules.utm_source') }}
            and {{ fits_pattern('ways.referrer_host', 'rules.referrer_host') }}
    group by ways.tagged_medium, ways.tagged_source, ways.referrer_host
),

channels as (
    select
        first_rules.tagged_medium,
        first_rules.tagged_source,
        first_rules.referrer_host,
        rules.channel
    from first_rules
    inner join rules on first_rules.priority = rules.priority
)

select
    with_hosts.source_system,
    with_hosts.event_id,
    with_hosts.event_name,
    with_hosts.anonymous_id,
    with_hosts.customer_ref,
    {{ normalise_email('with_hosts.email') }} as email,
    with_hosts.session_id,
    with_hosts.product_id,
    with_hosts.order_id,
    with_hosts.cart_id,
    with_hosts.utm_source,
    with_hosts.utm_medium,
    with_hosts.utm_campaign,
    with_hosts.referrer_host,
    coalesce(channels.channel, 'unknown') as channel,
    with_hosts.device,
    with_hosts.value as event_value,
    with_hosts.occurred_at,
    with_hosts._loaded_at as loaded_at
from with_hosts
left join channels
    on
        coalesce(with_hosts.tagged_medium, '') = channels.tagged_medium
        and coalesce(with_hosts.tagged_source, '') = channels.tagged_source
        and coalesce(with_hosts.referrer_host, '') = channels.referrer_host
