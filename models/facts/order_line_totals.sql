with

order_lines as (
    select * from {{ ref('stg_order_lines') }}
)

select
    source_system,
    order_id,
    -- The lines that remain form the order; one whose lines are all cancelled or tests never
    -- counts, but shows that its customer was there.
    {{ of_counting_lines('customer_ref') }} as customer_ref,
    {{ of_counting_lines('status') }} as status,
    {{ of_counting_lines('currency') }} as currency,
    bool_or({{ status_counts('status') }}) as is_counting,
    coalesce(
        bool_or(discount_amount > 0) filter (where {{ status_counts('status') }}), false
    ) as has_discount,
    cast(
        coalesce(sum(net_amount) filter (where {{ status_counts('status') }}), 0)
        as decimal(18, 4)
    ) as net_amount,
    cast(
        coalesce(sum(discount_amount) filter (where {{ status_counts('status') }}), 0)
        as decimal(18, 4)
    ) as discount_amount,
    {{ of_counting_lines('ordered_at') }} as ordered_at,
    max(loaded_at) as loaded_at
from order_lines
group by source_system, order_id
