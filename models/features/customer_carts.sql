with

spine as (
    select * from {{ ref('as_of_spine') }}
),

touches as (
    select * from {{ ref('fct_cart_touches') }}
)

-- A cart has one touch that is its last at as_of: the one whose time has begun and not ended.
select
    spine.as_of,
    touches.customer_id,
    cast(count(*) as int) as open_cart_count,
    max(touches.touched_at) as last_cart_touched_at
from touches
inner join spine
    on
        touches.touched_at <= spine.as_of
        and (touches.open_until is null or touches.open_until > spine.as_of)
group by spine.as_of, touches.customer_id
