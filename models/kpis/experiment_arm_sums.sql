-- Exact sums, from which every mean and interval follows whatever the order of the rows. Factors of
-- a square are of unlike width because DuckDB keeps the product of two decimals of 18 digits to 18.
with

outcomes as (
    select * from {{ ref('experiment_outcomes') }} where exclusion is null
),

valued as (
    {%- for metric, value in experiment_metrics().items() %}
    select
        source_system,
        experiment_id,
        arm,
        '{{ metric }}' as metric,
        was_contacted,
        cast({{ value }} as decimal(18, 4)) as y,
        net_revenue_before as x
    from outcomes
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    source_system,
    experiment_id,
    arm,
    metric,
    cast(count(*) as bigint) as customer_count,
    cast(count(*) filter (where was_contacted) as bigint) as contacted_count,
    min(y) as least_y,
    max(y) as greatest_y,
    min(x) as least_x,
    max(x) as greatest_x,
    cast(sum(y) as decimal(38, 4)) as sum_y,
    cast(sum(x) as decimal(38, 4)) as sum_x,
    cast(sum(y * cast(y as decimal(19, 4))) as decimal(38, 8)) as sum_yy,
    cast(sum(x * cast(x as decimal(19, 4))) as decimal(38, 8)) as sum_xx,
    cast(sum(x * cast(y as decimal(19, 4))) as decimal(38, 8)) as sum_xy
from valued
group by source_system, experiment_id, arm, metric
