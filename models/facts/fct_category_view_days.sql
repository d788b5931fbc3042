with

views as (
    select * from {{ ref('fct_web_events') }}
    where customer_id is not null and event_name = 'product_view'
),

products as (
    select * from {{ ref('stg_products') }} where category is not null
),

cuts as (
    select * from {{ ref('as_of_cuts') }}
)

select
    views.customer_id,
    products.category,
    views.occurred_on,
    cuts.cut_at,
    cast(count(*) as int) as product_view_count,
    max(views.occurred_at) as last_occurred_at
from views
inner join products
    on
        views.source_system = products.source_system
        and views.product_id = products.product_id
        and (products.valid_from is null or views.occurred_on >= products.valid_from)
        and (products.valid_to is null or views.occurred_on <= products.valid_to)
left join cuts
    on {{ of_cut('views', 'cuts') | indent(8) }}
group by views.customer_id, products.category, views.occurred_on, cuts.cut_at
