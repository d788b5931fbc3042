{%- set counted = ['delivered', 'opened', 'clicked', 'replied'] -%}

with

spine as (
    select * from {{ ref('as_of_spine') }}
),

events as (
    select * from {{ ref('fct_message_events') }} where customer_id is not null
),

messages as (
    select * from {{ ref('fct_messages') }}
),

consents as (
    select * from {{ ref('stg_consents') }}
),

links as (
    select * from {{ ref('customer_links') }}
),

-- A message counts once in a window: with its first event of the name there.
counts as (
    select
        spine.as_of,
        events.customer_id,
        {%- for name in counted %}
        cast(count(*) filter (
            where
            events.event_name = '{{ name }}'
            and {{ is_first_in_window('events', 'spine', 90) }}
        ) as int) as {{ name }}_message_count_90d,
        {%- endfor %}
        cast(count(*) filter (
            where
            events.event_name = 'clicked' and events.is_promotional
            and {{ is_first_in_window('events', 'spine', 30) }}
        ) as int) as promotional_click_count_30d,
        max(events.occurred_at) filter (where events.event_name = 'opened')
            as last_message_opened_at,
        max(events.occurred_at) filter (where events.event_name = 'clicked')
            as last_message_clicked_at,
        max(events.occurred_at) filter (
            where events.event_name in ('unsubscribed', 'complained') and events.channel = 'email'
        ) as last_unsubscribed_at
    from events
    inner join spine
        on events.occurred_at <= spine.as_of
    group by spine.as_of, events.customer_id
),

emails as (
    select
        spine.as_of,
        messages.customer_id,
        count(*) as delivered_count,
        count(*) filter (where messages.first_opened_at <= spine.as_of) as opened_count,
        count(*) filter (where messages.first_clicked_at <= spine.as_of) as clicked_count
    from messages
    inner join spine
        on
            messages.channel = 'email'
            and messages.first_delivered_at <= spine.as_of
            and {{ in_last_days('messages.first_delivered_on', 'spine.as_of_on', 90) }}
    group by spine.as_of, messages.customer_id
),

grants as (
    select
        spine.as_of,
        links.customer_id,
        max(consents.changed_at) as last_granted_at
    from consents
    inner join links
        on {{ names_record('consents', 'links') | indent(8) }}
    inner join spine
        on consents.changed_at <= spine.as_of
    where
        consents.is_granted
        and consents.purpose = 'marketing'
        and consents.channel in ('all', 'email')
    group by spine.as_of, links.customer_id
)

select
    counts.as_of,
    counts.customer_id,
    {%- for name in counted %}
    counts.{{ name }}_message_count_90d,
    {%- endfor %}
    {{ ratio('emails.opened_count', 'emails.delivered_count') }} as email_open_rate_90d,
    {{ ratio('emails.clicked_count', 'emails.delivered_count') }} as email_click_rate_90d,
    counts.promotional_click_count_30d,
    counts.last_message_opened_at,
    counts.last_message_clicked_at,
    counts.last_unsubscribed_at is not null
    and (grants.last_granted_at is null or grants.last_granted_at <= counts.last_unsubscribed_at)
        as is_email_unsubscribed
from counts
left join emails
    on counts.as_of = emails.as_of and counts.customer_id = emails.customer_id
left join grants
    on counts.as_of = grants.as_of and counts.customer_id = grants.customer_id
