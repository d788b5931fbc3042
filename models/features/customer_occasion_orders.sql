with

spine as (
    select * from {{ ref('as_of_spine') }}
),

orders as (
    select * from {{ ref('fct_orders') }} where is_counting and customer_id is not null
),

occasions as (
    select
        month_from * 100 + day_from as first_day,
        month_to * 100 + day_to as last_day
    from {{ ref('occasions') }}
),

order_days as (
    select distinct
        ordered_on,
        month(ordered_on) * 100 + day(ordered_on) as day_of_year
    from orders
),

-- A day of two occasions is one day.
occasion_days as (
    select distinct order_days.ordered_on
    from order_days
    inner join occasions
        on case
            when occasions.first_day <= occasions.last_day
                then
                    order_days.day_of_year >= occasions.first_day
                    and order_days.day_of_year <= occasions.last_day
            else
                order_days.day_of_year >= occasions.first_day
                or order_days.day_of_year <= occasions.last_day
        end
)

select
    spine.as_of,
    orders.customer_id,
    cast(count(*) as int) as occasion_order_count
from orders
inner join occasion_days on orders.ordered_on = occasion_days.ordered_on
inner join spine on orders.ordered_at <= spine.as_of
group by spine.as_of, orders.customer_id
