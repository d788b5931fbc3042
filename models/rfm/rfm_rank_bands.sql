-- Bands of equal size by the sum of three competition ranks. Used where rfm_method is rank_bands.
{{ config(enabled=var('rfm_method') == 'rank_bands') }}

with

inputs as (
    select * from {{ ref('rfm_inputs') }}
),

band_names as (
    select * from {{ ref('rfm_rank_band_names') }}
),

ranks as (
    select
        as_of,
        customer_id,
        rank() over (partition by as_of order by recency_days asc nulls last)
        + rank() over (partition by as_of order by frequency desc nulls last)
        + rank() over (partition by as_of order by monetary desc nulls last) as composite
    from inputs
),

positions as (
    select
        as_of,
        customer_id,
        composite,
        rank() over (partition by as_of order by composite asc nulls last) - 1 as better_count,
        count(*) over (partition by as_of) as customer_count
    from ranks
),

bands as (
    select
        as_of,
        customer_id,
        cast(composite as bigint) as composite,
        1 + {{ integer_divide('5 * better_count', 'customer_count') }} as band
    from positions
)

select
    bands.as_of,
    bands.customer_id,
    bands.composite,
    cast(bands.band as int) as band,
    band_names.rfm_segment
from bands
inner join band_names
    on bands.band = band_names.band
