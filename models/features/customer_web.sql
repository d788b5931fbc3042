{%- set sessions_over = [30, 90, 365] -%}
{%- set counted = [
    'page_view_count', 'product_view_count', 'add_to_cart_count', 'download_count', 'search_count',
] -%}

with

spine as (
    select * from {{ ref('as_of_spine') }}
),

web_days as (
    select * from {{ ref('fct_web_days') }}
),

events as (
    select * from {{ ref('fct_web_events') }} where customer_id is not null
),

sessions as (
    select * from {{ ref('fct_web_sessions') }}
),

top_categories as (
    select * from {{ ref('customer_viewed_categories') }}
),

counts as (
    select
        spine.as_of,
        web_days.customer_id,
        {%- for days in sessions_over %}
        cast(coalesce(sum(web_days.session_count) filter (
            where {{ in_last_days('web_days.occurred_on', 'spine.as_of_on', days) }}
        ), 0) as int) as session_count_{{ days }}d,
        {%- endfor %}
        {%- for column in counted %}
        cast(coalesce(sum(web_days.{{ column }}) filter (
            where {{ in_last_days('web_days.occurred_on', 'spine.as_of_on', 90) }}
        ), 0) as int) as {{ column }}_90d,
        {%- endfor %}
        cast(coalesce(sum(web_days.seconds_on_site) filter (
            where {{ in_last_days('web_days.occurred_on', 'spine.as_of_on', 90) }}
        ), 0) as bigint) as seconds_on_site_90d,
        max(web_days.last_occurred_at) as last_web_event_at
    from web_days
    inner join spine
        on web_days.last_occurred_at <= spine.as_of
    group by spine.as_of, web_days.customer_id
),

-- 24 hours lie on three business days at most; joined by day, no other day is read.
recent_days as (
    {% for days_before in range(3) -%}
    select
        as_of,
        {{ add_minutes('as_of', -24 * 60) }} as after_at,
        {{ add_days('as_of_on', -days_before) }} as day_on
    from spine
    {%- if not loop.last %}
    union all
    {% endif %}
    {%- endfor %}
),

recent as (
    select
        recent_days.as_of,
        events.customer_id,
        cast(count(*) as int) as event_count_24h
    from events
    inner join recent_days
        on
            events.occurred_on = recent_days.day_on
            and events.occurred_at > recent_days.after_at
            and events.occurred_at <= recent_days.as_of
    group by recent_days.as_of, events.customer_id
)

select
    counts.as_of,
    counts.customer_id,
    {%- for days in sessions_over %}
    counts.session_count_{{ days }}d,
    {%- endfor %}
    {%- for column in counted %}
    counts.{{ column }}_90d,
    {%- endfor %}
    counts.seconds_on_site_90d,
    counts.last_web_event_at,
    cast({{ integer_divide(
        seconds_between('counts.last_web_event_at', 'counts.as_of'), 60
    ) }} as int) as minutes_since_last_web_event,
    coalesce(recent.event_count_24h, 0) as event_count_24h,
    top_categories.top_viewed_category_90d,
    first_sessions.channel as first_touch_channel,
    first_sessions.touch_source as first_touch_source,
    last_sessions.channel as last_touch_channel,
    last_sessions.device as last_device
from counts
left join recent
    on counts.as_of = recent.as_of and counts.customer_id = recent.customer_id
left join top_categories
    on counts.as_of = top_categories.as_of and counts.customer_id = top_categories.customer_id
left join sessions as first_sessions
    on counts.customer_id = first_sessions.customer_id and first_sessions.session_number = 1
left join sessions as last_sessions
    on
        counts.customer_id = last_sessions.customer_id
        and counts.as_of >= last_sessions.started_at
        and (last_sessions.next_started_at is null or counts.as_of < last_sessions.next_started_at)
