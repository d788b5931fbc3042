with

spine as (
    select * from {{ ref('as_of_spine') }}
),

views as (
    select * from {{ ref('fct_category_view_days') }}
),

category_views as (
    select
        spine.as_of,
        views.customer_id,
        views.category,
        sum(views.product_view_count) as product_view_count
    from views
    inner join spine
        on
            views.last_occurred_at <= spine.as_of
            and {{ in_last_days('views.occurred_on', 'spine.as_of_on', 90) }}
    group by spine.as_of, views.customer_id, views.category
)

select
    as_of,
    customer_id,
    category as top_viewed_category_90d
from category_views
qualify
    row_number() over (
        partition by as_of, customer_id
        order by product_view_count desc nulls last, category asc nulls last
    ) = 1
