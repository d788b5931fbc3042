-- A refund whose order has not arrived counts under no customer until it does.
select
    source_system,
    record_id,
    order_id
from {{ ref('fct_refunds') }}
where not has_order and order_id is not null
