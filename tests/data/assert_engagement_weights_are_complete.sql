-- A signal without a row would empty every score; weights that do not sum to 1 are not shares.
with

expected as (
    {%- for item in engagement_signals() %}
    select
        '{{ item.signal }}' as measure,
        '{{ item.input }}' as needed_input
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

weights as (
    select * from {{ ref('engagement_weights') }}
),

pairs as (
    select
        coalesce(expected.measure, weights.measure) as measure,
        expected.measure is not null and weights.measure is not null as is_known,
        weights.weight >= 0 and weights.cap >= 1 as is_usable
    from expected
    full outer join weights
        on expected.measure = weights.measure and expected.needed_input = weights.needed_input
),

caps as (
    select
        {{ engagement_weight_columns() | indent(8) }}
    from weights
)

select
    measure,
    'it is not a signal of that input, or has no row' as fault
from pairs
where not is_known
union all
select
    measure,
    'its weight is below 0, its cap below 1, or one of them is missing' as fault
from pairs
where is_known and not coalesce(is_usable, false)
union all
select
    cast(null as string) as measure,
    'the weights do not sum to 1' as fault
from weights
having coalesce(sum(weight), 0) <> 1
union all
-- The score is a whole number over the product of all caps, which must have room.
select
    cast(null as string) as measure,
    'the product of the caps is above 100000000000' as fault
from caps
where
    {%- for item in engagement_signals() %}
    cast({{ item.signal }}_cap as decimal(18, 0)){% if not loop.last %} *{% endif %}
    {%- endfor %} > 100000000000
