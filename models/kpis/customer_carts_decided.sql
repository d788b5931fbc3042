with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

settings as (
    select * from {{ source('run', 'settings') }}
),

carts as (
    select
        touches.customer_id,
        touches.cart_key,
        min(touches.touched_at) as first_touched_at,
        min(touches.converted_at) filter (
            where touches.converted_at <= spine.as_of
        ) as converted_at,
        {{ add_minutes('max(touches.touched_at)', 24 * 60) }} as given_up_at,
        max(spine.as_of) as as_of
    from {{ ref('fct_cart_touches') }} as touches
    inner join spine
        on touches.touched_at <= spine.as_of
    group by touches.customer_id, touches.cart_key
)

select
    carts.customer_id,
    carts.cart_key,
    {{ business_date('carts.first_touched_at', 'settings.business_time_zone') }} as started_on,
    carts.converted_at is null or carts.converted_at > carts.given_up_at as is_abandoned
from carts
cross join settings
where carts.converted_at <= carts.given_up_at or carts.given_up_at <= carts.as_of
