-- What staging holds of headers is in the facts, once, to the cent; a join to identity must neither
-- drop nor double an order.
with

staged as (
    select
        count(*) as record_count,
        sum(net_amount) as net_amount
    from {{ ref('stg_orders') }}
),

facts as (
    select
        count(*) as record_count,
        sum(net_amount) as net_amount
    from {{ ref('fct_orders') }}
    where origin = 'header'
),

staged_refunds as (
    select
        count(*) as record_count,
        sum(amount) as net_amount
    from {{ ref('stg_refunds') }}
),

fact_refunds as (
    select
        count(*) as record_count,
        sum(amount) as net_amount
    from {{ ref('fct_refunds') }}
    where origin = 'refund'
),

compared as (
    select
        'orders' as entity,
        staged.record_count as staged_count,
        facts.record_count as fact_count,
        staged.net_amount as staged_amount,
        facts.net_amount as fact_amount
    from staged
    cross join facts
    union all
    select
        'refunds' as entity,
        staged_refunds.record_count as staged_count,
        fact_refunds.record_count as fact_count,
        staged_refunds.net_amount as staged_amount,
        fact_refunds.net_amount as fact_amount
    from staged_refunds
    cross join fact_refunds
)

select *
from compared
where staged_count <> fact_count or coalesce(staged_amount, 0) <> coalesce(fact_amount, 0)
