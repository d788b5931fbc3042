{#- Type-7 quantiles (Hyndman and Fan 1996; linear interpolation, the default of R and numpy) from
    order statistics, exact, and the same for equal values whatever their order.

    `relation`    has one row per value
    `groups`      columns; quantiles are taken within each combination of them
    `value`       the column, a whole number or a decimal of at most 4 places
    `parts`       the denominator: 5 gives quintiles, 100 percentiles
    `numbers`     which of them, as a list: [1, 2, 3, 4] or [80]

    Returns a query with the groups and
    `cut_number`    the number asked for
    `scaled_cut`    the cut point times `parts`: exact for every number of parts, so that
                    `value * parts > scaled_cut` decides without a division
    `cut_point`     the cut point itself to 8 places, half even, for people to read

    Position h = (n - 1) x number / parts counted from 0; its whole part picks the lower of the two
    order statistics, its remainder weighs the upper one. -#}
{% macro type7_quantiles(relation, groups, value, parts, numbers) -%}
    {%- set group_list = groups | join(', ') -%}
    with

    value_counts as (
        select
            {{ group_list }},
            {{ value }} as value,
            count(*) as occurrences
        from {{ relation }}
        where {{ value }} is not null
        group by all
    ),

    positions as (
        select
            {{ group_list }},
            value,
            occurrences,
            cast(
                sum(occurrences) over (
                    partition by {{ group_list }} order by value asc nulls last
                    rows between unbounded preceding and current row
                ) as bigint
            ) as last_position,
            cast(sum(occurrences) over (partition by {{ group_list }}) as bigint) as total
        from value_counts
    ),

    wanted as (
        {%- for number in numbers %}
        select distinct
            {{ group_list }},
            {{ number }} as cut_number,
            {{ integer_divide('(total - 1) * ' ~ number, parts) }} + 1 as lower_position,
            mod((total - 1) * {{ number }}, {{ parts }}) as weight
        from positions
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- endfor %}
    ),

    order_statistics as (
        select
            {% for group in groups %}wanted.{{ group }}, {% endfor %}
            wanted.cut_number,
            wanted.weight,
            max(positions.value) filter (
                where wanted.lower_position between positions.last_position - positions.occurrences + 1
                and positions.last_position
            ) as lower_value,
            max(positions.value) filter (
                where wanted.lower_position + 1 between positions.last_position - positions.occurrences + 1
                and positions.last_position
            ) as upper_value
        from wanted
        inner join positions
            on {% for group in groups %}wanted.{{ group }} = positions.{{ group }} and {% endfor -%}
            positions.last_position >= wanted.lower_position
            and positions.last_position - positions.occurrences < wanted.lower_position + 1
        group by all
    ),

    scaled as (
        select
            {{ group_list }},
            cut_number,
            cast(
                cast(lower_value as decimal(28, 4)) * {{ parts }}
                + coalesce(cast(upper_value as decimal(28, 4)) - cast(lower_value as decimal(28, 4)), 0)
                * weight as decimal(38, 4)
            ) as scaled_cut
        from order_statistics
    )

    select
        {{ group_list }},
        cut_number,
        scaled_cut,
        {{ exact_ratio('scaled_cut', parts, 8, 38) }} as cut_point
    from scaled
{%- endmacro %}
