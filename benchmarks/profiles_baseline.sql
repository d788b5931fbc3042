-- What a good analyst writes for DuckDB alone, from the raw files of benchmarks/raw_business.py to the
-- columns of customer_profiles that they fill, for one day. It knows what these files are like: that
-- no event comes twice, that a device is one person's, that an e-mail is one person's, that orders
-- have one currency. No other engine, no second instant, no test, no part that another query could
-- reuse. as_of is a variable.

create temporary table people as
with

firsts as (
    select
        source_system,
        customer_ref,
        first_value(customer_ref) over (partition by email order by created_at, source_system) as id,
        created_at,
        country,
        city,
        acquisition_channel
    from raw_customers
)

select
    source_system,
    customer_ref as ref,
    id,
    customer_ref = id as is_first,
    country,
    city,
    acquisition_channel
from firsts;

create temporary table features as
with

orders as (
    select
        people.id,
        raw_orders.order_id,
        ordered_at,
        ordered_at::date as ordered_on,
        net_amount,
        discount_amount > 0 as has_discount,
        sales_channel
    from raw_orders
    inner join people on raw_orders.customer_ref = people.ref
    where status not in ('cancelled', 'test') and ordered_at <= getvariable('as_of')
),

events as (
    select
        id,
        ordered_at as occurred_at,
        ordered_on as occurred_on,
        1 as orders,
        net_amount as revenue,
        net_amount as ordered,
        case when has_discount then net_amount else 0 end as discounted
    from orders
    union all
    select orders.id, refunded_at, refunded_at::date, 0, -raw_refunds.amount, 0, 0
    from raw_refunds
    inner join orders using (order_id)
    where refunded_at <= getvariable('as_of')
),

purchases as (
    select
        id,
        min(occurred_at) filter (where orders = 1) as first_order_at,
        max(occurred_at) filter (where orders = 1) as last_order_at,
        sum(orders) as orders,
        sum(revenue) as revenue,
        sum(orders) filter (where occurred_on > getvariable('as_of')::date - 30) as orders_30d,
        sum(revenue) filter (where occurred_on > getvariable('as_of')::date - 30) as revenue_30d,
        sum(orders) filter (where occurred_on > getvariable('as_of')::date - 90) as orders_90d,
        sum(revenue) filter (where occurred_on > getvariable('as_of')::date - 90) as revenue_90d,
        sum(orders) filter (where occurred_on > getvariable('as_of')::date - 365) as orders_365d,
        sum(revenue) filter (where occurred_on > getvariable('as_of')::date - 365) as revenue_365d,
        sum(ordered) filter (where occurred_on > getvariable('as_of')::date - 365) as ordered_365d,
        sum(discounted) filter (where occurred_on > getvariable('as_of')::date - 365)
            as discounted_365d
    from events
    group by id
),

days as (
    select
        id,
        ordered_on,
        ordered_on - lag(ordered_on) over (partition by id order by ordered_on) as gap
    from (select distinct id, ordered_on from orders)
),

rhythm as (
    select
        id,
        min(ordered_on) as first_on,
        max(ordered_on) as last_on,
        count(*) as order_days,
        count(distinct date_trunc('month', ordered_on)) as months,
        median(gap::decimal(18, 4)) as median_gap
    from days
    group by id
)

select
    people.id,
    people.country,
    people.city,
    people.acquisition_channel,
    purchases.* exclude (id),
    rhythm.* exclude (id),
    getvariable('as_of')::date - rhythm.last_on as days_since_last
from people
left join purchases using (id)
left join rhythm using (id)
where people.is_first;

create temporary table visits as
with

devices as (
    select anonymous_id, min(people.id) as id
    from raw_web_events
    inner join people on raw_web_events.customer_ref = people.ref
    group by anonymous_id
),

events as (
    select
        raw_web_events.*,
        devices.id,
        lag(occurred_at) over (partition by anonymous_id order by occurred_at, event_id) as previous_at
    from raw_web_events
    left join devices using (anonymous_id)
    where occurred_at <= getvariable('as_of')
)

select
    id,
    anonymous_id,
    event_id,
    event_name,
    product_id,
    case
        when utm_medium = 'email' then 'email'
        when utm_medium = 'cpc' then 'paid_search'
        else 'direct'
    end as channel,
    utm_source,
    device,
    occurred_at,
    occurred_at::date as occurred_on,
    previous_at is null or occurred_at > previous_at + interval 30 minutes as starts,
    case when occurred_at <= previous_at + interval 30 minutes
        then epoch(occurred_at)::bigint - epoch(previous_at)::bigint end as seconds
from events
where id is not null;

create temporary table web as
select
    id,
    count(*) filter (where starts and occurred_on > getvariable('as_of')::date - 30)
        as session_count_30d,
    count(*) filter (where starts and occurred_on > getvariable('as_of')::date - 90)
        as session_count_90d,
    count(*) filter (where starts and occurred_on > getvariable('as_of')::date - 365)
        as session_count_365d,
    count(*) filter (where event_name = 'page_view' and occurred_on > getvariable('as_of')::date - 90)
        as page_view_count_90d,
    count(*) filter (
        where event_name = 'product_view' and occurred_on > getvariable('as_of')::date - 90
    ) as product_view_count_90d,
    count(*) filter (
        where event_name = 'add_to_cart' and occurred_on > getvariable('as_of')::date - 90
    ) as add_to_cart_count_90d,
    count(*) filter (where event_name = 'download' and occurred_on > getvariable('as_of')::date - 90)
        as download_count_90d,
    count(*) filter (where event_name = 'search' and occurred_on > getvariable('as_of')::date - 90)
        as search_count_90d,
    coalesce(sum(seconds) filter (where occurred_on > getvariable('as_of')::date - 90), 0)
        as seconds_on_site_90d,
    max(occurred_at) as last_web_event_at,
    count(*) filter (where occurred_at > getvariable('as_of') - interval 24 hours)
        as event_count_24h,
    arg_min_null(channel, (occurred_at, event_id)) filter (where starts) as first_touch_channel,
    arg_min_null(utm_source, (occurred_at, event_id)) filter (where starts) as first_touch_source,
    arg_max_null(channel, (occurred_at, event_id)) filter (where starts) as last_touch_channel,
    arg_max_null(device, (occurred_at, event_id)) filter (where starts) as last_device
from visits
group by id;

create temporary table viewed as
select id, category as top_viewed_category_90d
from (
    select id, category, count(*) as views
    from visits
    inner join raw_products using (product_id)
    where event_name = 'product_view' and occurred_on > getvariable('as_of')::date - 90
    group by all
)
qualify row_number() over (partition by id order by views desc, category) = 1;

create table rfm_scores as
with

cuts as (
    select
        quantile_cont(days_since_last, [0.2, 0.4, 0.6, 0.8]) as r,
        quantile_cont(orders_365d, [0.2, 0.4, 0.6, 0.8]) as f,
        quantile_cont(revenue_365d, [0.2, 0.4, 0.6, 0.8]) as m
    from features
    where orders_365d > 0
),

scored as (
    select
        id,
        5 - (days_since_last > r[1])::int - (days_since_last > r[2])::int
        - (days_since_last > r[3])::int - (days_since_last > r[4])::int as recency_score,
        1 + (orders_365d > f[1])::int + (orders_365d > f[2])::int
        + (orders_365d > f[3])::int + (orders_365d > f[4])::int as frequency_score,
        1 + (revenue_365d > m[1])::int + (revenue_365d > m[2])::int
        + (revenue_365d > m[3])::int + (revenue_365d > m[4])::int as monetary_score
    from features, cuts
    where orders_365d > 0
)

select
    *,
    recency_score * 100 + frequency_score * 10 + monetary_score as rfm_score,
    case
        when recency_score >= 4 then case
            when frequency_score >= 4 and monetary_score >= 4 then 'champions'
            when frequency_score >= 3 and monetary_score >= 4 then 'loyal_customers'
            when frequency_score >= 3 then 'potential_loyalists'
            when monetary_score >= 3 then 'promising'
            else 'new_customers'
        end
        when recency_score = 3 then case
            when frequency_score >= 3 and monetary_score >= 4 then 'loyal_customers'
            when frequency_score >= 3 or monetary_score >= 3 then 'need_attention'
            else 'about_to_sleep'
        end
        when frequency_score >= 4 and monetary_score >= 4 then 'cant_lose_them'
        when frequency_score >= 3 or monetary_score >= 3 then 'at_risk'
        else 'lost'
    end as rfm_segment
from scored;

create table customer_profiles as
select
    getvariable('as_of') as as_of,
    features.id as customer_ref,
    country,
    city,
    acquisition_channel,
    case
        when orders is null or orders = 0 then 'prospect'
        when days_since_last >= 365 then 'lapsed'
        when order_days >= 3 and days_since_last > greatest(2 * median_gap, 30) then 'at_risk'
        when order_days < 3 and days_since_last > 180 then 'at_risk'
        when getvariable('as_of')::date - first_on < 60 and orders < 3 then 'new'
        when orders_365d >= 4 and getvariable('as_of')::date - first_on >= 180 then 'loyal'
        else 'active'
    end as lifecycle_stage,
    rfm_segment,
    recency_score,
    frequency_score,
    monetary_score,
    rfm_score,
    coalesce(orders, 0)::int as order_count_lifetime,
    coalesce(order_days, 0)::int as order_day_count_lifetime,
    coalesce(months, 0)::int as active_month_count,
    coalesce(orders_30d, 0)::int as order_count_30d,
    coalesce(orders_90d, 0)::int as order_count_90d,
    coalesce(orders_365d, 0)::int as order_count_365d,
    coalesce(revenue, 0)::decimal(18, 4) as net_revenue_lifetime,
    coalesce(revenue_30d, 0)::decimal(18, 4) as net_revenue_30d,
    coalesce(revenue_90d, 0)::decimal(18, 4) as net_revenue_90d,
    coalesce(revenue_365d, 0)::decimal(18, 4) as net_revenue_365d,
    (revenue / nullif(orders, 0))::decimal(18, 4) as average_order_value_lifetime,
    (revenue_30d / nullif(orders_30d, 0))::decimal(18, 4) as average_order_value_30d,
    (revenue_90d / nullif(orders_90d, 0))::decimal(18, 4) as average_order_value_90d,
    (revenue_365d / nullif(orders_365d, 0))::decimal(18, 4) as average_order_value_365d,
    coalesce(ordered_365d, 0)::decimal(18, 4) as order_net_amount_365d,
    coalesce(discounted_365d, 0)::decimal(18, 4) as discounted_net_amount_365d,
    median_gap as median_days_between_orders,
    ((last_on - first_on) / nullif(order_days - 1, 0))::decimal(18, 4) as mean_days_between_orders,
    (getvariable('as_of')::date - first_on)::int as days_since_first_order,
    days_since_last::int as days_since_last_order,
    first_order_at,
    last_order_at,
    coalesce(session_count_30d, 0)::int as session_count_30d,
    coalesce(session_count_90d, 0)::int as session_count_90d,
    coalesce(session_count_365d, 0)::int as session_count_365d,
    coalesce(page_view_count_90d, 0)::int as page_view_count_90d,
    coalesce(product_view_count_90d, 0)::int as product_view_count_90d,
    coalesce(add_to_cart_count_90d, 0)::int as add_to_cart_count_90d,
    coalesce(download_count_90d, 0)::int as download_count_90d,
    coalesce(search_count_90d, 0)::int as search_count_90d,
    coalesce(seconds_on_site_90d, 0)::bigint as seconds_on_site_90d,
    last_web_event_at,
    coalesce(event_count_24h, 0)::int as event_count_24h,
    first_touch_channel,
    first_touch_source,
    last_touch_channel,
    last_device,
    top_viewed_category_90d
from features
left join rfm_scores using (id)
left join web using (id)
left join viewed using (id);
