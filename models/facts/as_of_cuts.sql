{{ config(materialized='view') }}

with

spine as (
    select * from {{ ref('as_of_spine') }}
)

select
    as_of_on as cut_on,
    as_of as cut_at,
    lead(as_of) over (partition by as_of_on order by as_of asc nulls last) as next_cut_at
from spine
