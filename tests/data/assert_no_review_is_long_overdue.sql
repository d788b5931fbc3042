-- A segment that nobody has looked at for half a year beyond its date goes on steering money by a
-- question that nobody asks any more.
with

files as (
    {{ segment_file_rows() }}
),

catalogue as (
    select
        segment_model,
        min(review_by) as review_by
    from {{ ref('segment_catalogue') }}
    group by segment_model
),

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
)

select
    files.file,
    catalogue.review_by
from catalogue
cross join spine
left join files
    on catalogue.segment_model = files.segment_model
where
    {{ days_between('catalogue.review_by', 'spine.as_of_on') }}
    > {{ var('segment_review_grace_days') }}
