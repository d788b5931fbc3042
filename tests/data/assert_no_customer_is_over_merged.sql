-- Records that hang together in their dozens are an office, a family tree of typos, or a shop's own
-- address; they dropped links so that nobody is taken for somebody else.
with

links as (
    select * from {{ ref('customer_links') }} where is_over_merged
)

select count(*) as record_count
from links
having count(*) > 0
