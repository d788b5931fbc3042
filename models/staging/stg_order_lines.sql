with

order_lines as (
    select * from {{ source('raw', 'order_lines') }}
),

-- A later file with lines of an order replaces all of that order's lines: a line that the later
-- file no longer has must not survive from the earlier one.
latest as (
    select *
    from order_lines
    qualify
        rank() over (partition by source_system, order_id order by _batch_id desc nulls last) = 1
)

select
    source_system,
    order_id,
    line_number,
    product_id,
    customer_ref,
    coalesce(status, 'completed') as status,
    upper(trim(currency)) as currency,
    quantity,
    unit_price,
    coalesce(discount_amount, 0) as discount_amount,
    {{ line_amount('quantity', 'unit_price', 'discount_amount') }} as net_amount,
    ordered_at,
    _loaded_at as loaded_at
from latest
