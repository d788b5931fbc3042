-- A day that no year has, such as 31 June, is a typing error; nothing else would tell of it.
with

ends as (
    select
        occasion,
        month_from as month_number,
        day_from as day_number
    from {{ ref('occasions') }}
    union all
    select
        occasion,
        month_to as month_number,
        day_to as day_number
    from {{ ref('occasions') }}
)

select
    occasion,
    month_number,
    day_number
from ends
where
    coalesce(month_number, 0) not in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
    or coalesce(day_number, 0) < 1
    or day_number > case
        when month_number = 2 then 29
        when month_number in (4, 6, 9, 11) then 30
        else 31
    end
