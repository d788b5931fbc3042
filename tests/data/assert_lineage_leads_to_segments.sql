-- History is carried over from a key to its successor: one that nobody has would lose it without a
-- word, and a key that came back would have the history of two segments.
with

project_keys as (
    {{ project_segment_keys() | indent(4) }}
),

lineage as (
    select * from {{ ref('segment_lineage') }}
),

keys_with_lineage as (
    select distinct segment_key from lineage
),

faults as (
    select
        lineage.*,
        case
            when own.segment_key is not null then 'it is a segment of the project'
            when lineage.change = 'retired' and lineage.successor_key is not null
                then 'a retired segment has no successor'
            when lineage.change <> 'retired' and lineage.successor_key is null
                then 'it has no successor'
            when lineage.change = 'retired' then null
            when lineage.successor_key = lineage.segment_key then 'it succeeds itself'
            when successors.segment_key is null and later.segment_key is null
                then 'its successor is neither a segment nor in the lineage'
        end as fault
    from lineage
    left join project_keys as own
        on lineage.segment_key = own.segment_key
    left join project_keys as successors
        on lineage.successor_key = successors.segment_key
    left join keys_with_lineage as later
        on lineage.successor_key = later.segment_key
)

select
    segment_key,
    change,
    successor_key,
    fault
from faults
where fault is not null
