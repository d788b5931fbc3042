-- With too few cut points the best score is out of reach; out of order they score backwards.
{% if var('rfm_method') == 'fixed' %}
with

cut_points as (
    select
        metric,
        cut_number,
        cut_point,
        lag(cut_point) over (
            partition by metric order by cut_number asc nulls last
        ) as previous_cut_point
    from {{ ref('rfm_fixed_cut_points') }}
    where cut_number between 1 and {{ rfm_bins() }} - 1
)

select
    metric,
    count(*) as cut_point_count
from cut_points
group by metric
having count(*) <> {{ rfm_bins() }} - 1 or bool_or(cut_point <= previous_cut_point)
{% else %}
select cast(null as string) as metric
where false
{% endif %}
