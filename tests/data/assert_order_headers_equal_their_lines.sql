-- The header holds where both are there. A difference is often tax or shipping in one of the two.
select
    source_system,
    order_id,
    net_amount,
    line_net_amount
from {{ ref('fct_orders') }}
where
    origin = 'header'
    and is_counting
    and line_net_amount is not null
    and abs(net_amount - line_net_amount) > 0.01
