with

orders as (
    select * from {{ ref('fct_orders') }}
),

-- One sort gives both: the first order of each day, and the day before it that had one.
with_previous as (
    select
        customer_id,
        ordered_on,
        ordered_at,
        lag(ordered_on) over (
            partition by customer_id
            order by ordered_on asc nulls last, ordered_at asc nulls last
        ) as previous_ordered_on
    from orders
    where is_counting and customer_id is not null
)

select
    customer_id,
    ordered_on,
    previous_ordered_on,
    ordered_at as first_ordered_at,
    {{ days_between('previous_ordered_on', 'ordered_on') }} as gap_days,
    previous_ordered_on is null
    or previous_ordered_on < {{ month_start('ordered_on') }} as is_first_of_month
from with_previous
-- Further orders of a day follow the first, so that the day before them is their own.
where previous_ordered_on is null or previous_ordered_on < ordered_on
