-- Who has signed one year is told of a later one that nobody signed; who never has is left alone. A
-- signature for a year that was not over vouches for figures that nobody had seen.
with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

sign_offs as (
    select * from {{ ref('review_sign_offs') }}
),

reviews as (
    select * from {{ ref('annual_reviews') }}
),

begun as (
    select min(calendar_year) as calendar_year from sign_offs
)

select
    sign_offs.calendar_year,
    'it was signed before its last quarter had closed' as fault
from sign_offs
left join reviews
    on sign_offs.calendar_year = reviews.calendar_year
where reviews.closed_on is null or sign_offs.signed_on <= reviews.closed_on
union all
select
    reviews.calendar_year,
    'nobody has signed it' as fault
from reviews
cross join begun
cross join spine
where
    reviews.signed_on is null
    and reviews.calendar_year > begun.calendar_year
    and {{ days_between('reviews.closed_on', 'spine.as_of_on') }}
    > {{ var('review_sign_off_days') }}
