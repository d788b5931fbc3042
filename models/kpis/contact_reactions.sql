{%- set reaction_days = 30 -%}

with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

contacts as (
    select * from {{ ref('customer_contacts') }} where contacted_at is not null
),

thresholds as (
    select days_or_count as dormant_after_days
    from {{ ref('lifecycle_thresholds') }}
    where threshold = 'overdue_default_days'
),

contacted as (
    select distinct customer_id from contacts
),

orders as (
    select orders.*
    from {{ ref('fct_orders') }} as orders
    inner join spine on orders.ordered_at <= spine.as_of
    inner join contacted on orders.customer_id = contacted.customer_id
    where orders.is_counting
),

first_purchases as (
    select
        order_lines.customer_id,
        min(order_lines.ordered_at) as bought_at,
        min(order_lines.ordered_on) as bought_on
    from {{ ref('fct_order_lines') }} as order_lines
    inner join spine on order_lines.ordered_at <= spine.as_of
    inner join contacted on order_lines.customer_id = contacted.customer_id
    where order_lines.category is not null
    group by order_lines.customer_id, order_lines.category
),

-- A contact stands before what happens at its very instant, which may be its effect.
happenings as (
    select
        customer_id,
        contacted_at as happened_at,
        0 as place,
        message_key,
        cast(null as date) as ordered_on,
        cast(null as date) as bought_on
    from contacts
    union all
    select
        customer_id,
        ordered_at as happened_at,
        1 as place,
        cast(null as string) as message_key,
        ordered_on,
        cast(null as date) as bought_on
    from orders
    union all
    select
        customer_id,
        bought_at as happened_at,
        1 as place,
        cast(null as string) as message_key,
        cast(null as date) as ordered_on,
        bought_on
    from first_purchases
),

around as (
    select
        customer_id,
        message_key,
        max(ordered_on) over (
            partition by customer_id
            order by happened_at asc nulls last, place asc nulls last
            rows between unbounded preceding and current row
        ) as last_ordered_on,
        min(ordered_on) over (
            partition by customer_id
            order by happened_at asc nulls last, place asc nulls last
            rows between current row and unbounded following
        ) as next_ordered_on,
        max(bought_on) over (
            partition by customer_id
            order by happened_at asc nulls last, place asc nulls last
            rows between unbounded preceding and current row
        ) as last_bought_on,
        min(bought_on) over (
            partition by customer_id
            order by happened_at asc nulls last, place asc nulls last
            rows between current row and unbounded following
        ) as next_bought_on
    from happenings
)

select
    contacts.customer_id,
    contacts.message_key,
    contacts.contacted_on,
    coalesce(
        {{ days_between('around.last_ordered_on', 'contacts.contacted_on') }}
        > thresholds.dormant_after_days, false
    ) as was_dormant,
    coalesce(
        {{ days_between('contacts.contacted_on', 'around.next_ordered_on') }}
        <= {{ reaction_days }}, false
    ) as is_followed_by_order,
    contacts.is_promotional and around.last_bought_on is not null as is_cross_sell_offer,
    coalesce(
        {{ days_between('contacts.contacted_on', 'around.next_bought_on') }}
        <= {{ reaction_days }}, false
    ) as is_followed_by_new_category
from contacts
inner join around
    on contacts.customer_id = around.customer_id and contacts.message_key = around.message_key
cross join thresholds
