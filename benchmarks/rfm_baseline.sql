-- RFM and nothing else, as short as it can be written for DuckDB: recency, frequency and monetary of
-- the last 365 days, their quintiles, and a score of 1 to 5 each. Refunds count on their own date.
-- Reads fct_orders and fct_refunds; as_of is a variable.

create table rfm_scores as
with

purchases as (
    select
        customer_id,
        getvariable('as_of')::date - max(ordered_on) as recency_days,
        count(*) as frequency,
        sum(net_amount) as ordered
    from fct_orders
    where
        is_counting
        and customer_id is not null
        and ordered_at <= getvariable('as_of')
        and ordered_on > getvariable('as_of')::date - 365
    group by customer_id
),

returns as (
    select customer_id, sum(amount) as refunded
    from fct_refunds
    where
        is_counting
        and customer_id is not null
        and refunded_at <= getvariable('as_of')
        and refunded_on > getvariable('as_of')::date - 365
    group by customer_id
),

inputs as materialized (
    select
        customer_id,
        recency_days,
        frequency,
        ordered - coalesce(refunded, 0) as monetary
    from purchases
    left join returns using (customer_id)
),

cuts as (
    select
        quantile_cont(recency_days, [0.2, 0.4, 0.6, 0.8]) as r,
        quantile_cont(frequency, [0.2, 0.4, 0.6, 0.8]) as f,
        quantile_cont(monetary, [0.2, 0.4, 0.6, 0.8]) as m
    from inputs
)

select
    inputs.*,
    5 - (recency_days > r[1])::int - (recency_days > r[2])::int
    - (recency_days > r[3])::int - (recency_days > r[4])::int as recency_score,
    1 + (frequency > f[1])::int + (frequency > f[2])::int
    + (frequency > f[3])::int + (frequency > f[4])::int as frequency_score,
    1 + (monetary > m[1])::int + (monetary > m[2])::int
    + (monetary > m[3])::int + (monetary > m[4])::int as monetary_score
from inputs, cuts;
