with

events as (
    select * from {{ ref('fct_web_events') }}
),

orders as (
    select * from {{ ref('fct_orders') }} where is_counting
),

touches as (
    select distinct
        customer_id,
        case
            when cart_id is not null then 'cart|' || source_system || '|' || cart_id
            else 'session|' || cast(session_key as string)
        end as cart_key,
        occurred_at as touched_at
    from events
    where customer_id is not null and {{ touches_cart('event_name') }}
),

with_next as (
    select
        *,
        min(touched_at) over (partition by customer_id, cart_key) as first_touched_at,
        lead(touched_at) over (
            partition by customer_id, cart_key order by touched_at asc nulls last
        ) as next_touched_at
    from touches
),

-- An order completed ends the cart it names, and that of its session which has no cart_id.
completions as (
    select
        'cart|' || source_system || '|' || cart_id as cart_key,
        occurred_at as completed_at
    from events
    where event_name = 'order_completed' and cart_id is not null
    union all
    select
        'session|' || cast(session_key as string) as cart_key,
        occurred_at as completed_at
    from events
    where event_name = 'order_completed'
),

completed as (
    select
        with_next.customer_id,
        with_next.cart_key,
        min(completions.completed_at) as first_completed_at
    from with_next
    inner join completions
        on
            with_next.cart_key = completions.cart_key
            and with_next.first_touched_at <= completions.completed_at
    where with_next.touched_at = with_next.first_touched_at
    group by with_next.customer_id, with_next.cart_key
),

touches_and_orders as (
    select
        customer_id,
        cart_key,
        touched_at as happened_at,
        cast(null as timestamp) as ordered_at
    from touches
    union all
    select
        customer_id,
        cast(null as string) as cart_key,
        ordered_at as happened_at,
        ordered_at
    from orders
    where customer_id in (select touches.customer_id from touches)
),

-- The frame has rows of the same instant too: an order then is at or after the touch.
next_orders as (
    select
        *,
        min(ordered_at) over (
            partition by customer_id
            order by happened_at asc nulls last
            range between current row and unbounded following
        ) as next_ordered_at
    from touches_and_orders
)

select
    with_next.customer_id,
    with_next.cart_key,
    with_next.touched_at,
    with_next.first_touched_at,
    least(completed.first_completed_at, next_orders.next_ordered_at) as converted_at,
    least(
        with_next.next_touched_at, completed.first_completed_at, next_orders.next_ordered_at
    ) as open_until
from with_next
inner join next_orders
    on
        with_next.customer_id = next_orders.customer_id
        and with_next.cart_key = next_orders.cart_key
        and with_next.touched_at = next_orders.happened_at
left join completed
    on
        with_next.customer_id = completed.customer_id
        and with_next.cart_key = completed.cart_key
