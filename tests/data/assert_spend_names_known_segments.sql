-- Money for a segment that nobody can be in is shared by all whom it could have been for.
with

segments as (
    select * from {{ ref('segment_catalogue') }}
)

select
    spend.segment_key,
    count(*) as row_count
from {{ ref('fct_spend') }} as spend
left join segments
    on spend.segment_key = segments.segment_key
where spend.segment_key is not null and segments.segment_key is null
group by spend.segment_key
