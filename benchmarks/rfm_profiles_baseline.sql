-- What a good analyst writes for DuckDB alone: RFM scores and customer profiles of one day, with the
-- engine's own quantiles, median and division, in two statements. No other engine, no second
-- instant, no test and no part that another query could reuse; that is what the project's models
-- are measured against. Reads fct_orders, fct_refunds and customers; as_of is a variable.

create temporary table features as
with

events as (
    select
        customer_id,
        ordered_at as occurred_at,
        ordered_on as occurred_on,
        1 as orders,
        net_amount as revenue,
        net_amount as ordered,
        case when has_discount then net_amount else 0 end as discounted
    from fct_orders
    where is_counting and customer_id is not null and ordered_at <= getvariable('as_of')
    union all
    select customer_id, refunded_at, refunded_on, 0, -amount, 0, 0
    from fct_refunds
    where is_counting and customer_id is not null and refunded_at <= getvariable('as_of')
),

purchases as (
    select
        customer_id,
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
    group by customer_id
),

days as (
    select
        customer_id,
        ordered_on,
        ordered_on - lag(ordered_on) over (partition by customer_id order by ordered_on) as gap
    from (select distinct customer_id, occurred_on as ordered_on from events where orders = 1)
),

rhythm as (
    select
        customer_id,
        min(ordered_on) as first_on,
        max(ordered_on) as last_on,
        count(*) as order_days,
        count(distinct date_trunc('month', ordered_on)) as months,
        median(gap::decimal(18, 4)) as median_gap
    from days
    group by customer_id
)

select
    customers.customer_id,
    customers.country,
    customers.region,
    customers.city,
    customers.acquisition_channel,
    purchases.* exclude (customer_id),
    rhythm.* exclude (customer_id),
    getvariable('as_of')::date - rhythm.last_on as days_since_last
from customers
left join purchases using (customer_id)
left join rhythm using (customer_id)
where customers.first_seen_at is null or customers.first_seen_at <= getvariable('as_of');

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
        customer_id,
        days_since_last as recency_days,
        orders_365d as frequency,
        revenue_365d as monetary,
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
    features.customer_id,
    null::varchar as account_id,
    country,
    region,
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
    null::decimal(18, 6) as engagement_score,
    null::boolean as may_market_email,
    first_order_at,
    last_order_at
from features
left join rfm_scores using (customer_id);
