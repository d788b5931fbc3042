with

products as (
    select * from {{ source('raw', 'products') }}
),

latest as (
    select *
    from products
    {{ keep_latest(['source_system', 'product_id', 'valid_from']) }}
)

select
    source_system,
    product_id,
    name as product_name,
    category,
    subcategory,
    brand,
    tier,
    unit_cost,
    valid_from,
    {{ add_days(
        'lead(valid_from) over ('
        ~ 'partition by source_system, product_id order by valid_from asc nulls first)',
        -1
    ) }} as valid_to,
    _loaded_at as loaded_at
from latest
