{#- How the columns of the profiles go with the goal of retention. -#}

{#- Whether a profile is of the base of the goal, and whether it is retained: retention over the last 90 days, of those
    who ordered in the 275 days before. It needs no look ahead: both are known at the as_of of the profile. -#}
{% macro in_retention_base() -%}
    order_count_365d > order_count_90d
{%- endmacro %}

{% macro is_retained() -%}
    order_count_90d > 0
{%- endmacro %}

{#- How a column of a type is held against the goal. -#}
{% macro association_method(name, type) -%}
    {%- if type == 'string' -%}
        {{ return('eta_squared') }}
    {%- elif type in ['int', 'bigint', 'boolean'] or type.startswith('decimal') -%}
        {{ return('correlation') }}
    {%- endif -%}
    {{ exceptions.raise_compiler_error(
        "Column " ~ name ~ " is marked is_variable but is a " ~ type
        ~ "; mark a number, a flag or a text, such as the days since it."
    ) }}
{%- endmacro %}

{#- A query with one row per column of `model_name` that its contract marks as a variable (meta.is_variable) and that
    some row of the base has, over the rows of `relation` that are of the base and have it:
    `association`   numbers and flags (0 and 1): correlation with being retained, -1 to 1; texts: eta squared, the
                    share of the variance of being retained that lies between their values, 0 to 1, values of fewer
                    rows than the variable association_minimum being one; NULL with fewer rows than that, and where the
                    column or the goal is always the same
    `sample_size`   how many rows
    One pass over the relation sums up all numbers, a second counts all texts by value. Only variables, because the
    squares of all columns of a million profiles take half a minute. -#}
{% macro goal_associations(entity, model_name, relation) -%}
    {%- set numbers = [] -%}
    {%- set texts = [] -%}
    {%- set variables = declared_types(model_name, 'is_variable') -%}
    {%- for name, type in variables.items() -%}
        {%- if association_method(name, type) == 'eta_squared' -%}
            {%- do texts.append(name) -%}
        {%- elif type.startswith('decimal') -%}
            {%- do numbers.append({'name': name, 'value': name, 'scale': type.split(',')[1] | replace(')', '') | trim}) -%}
        {%- else -%}
            {%- do numbers.append({'name': name, 'value': 'cast(' ~ name ~ ' as bigint)', 'scale': 0}) -%}
        {%- endif -%}
    {%- endfor -%}
    with

    base as (
        select
            {% for name in variables -%}
            {{ name }},
            {% endfor -%}
            {{ is_retained() }} as is_retained
        from {{ relation }}
        where {{ in_retention_base() }}
    ),

    {{ sums_with_flag(numbers, 'base', 'is_retained') }},

    {{ counts_by_value(texts, 'base', 'is_retained') }},

    -- Of a value with n rows, k of them retained, k x k / n is its part.
    by_text as (
        select
            column_name,
            count(*) as value_count,
            cast(sum(row_count) as bigint) as row_count,
            cast(sum(flag_count) as bigint) as flag_count,
            sum({{ exact_ratio('flag_count * flag_count', 'row_count', 8, 38) }}) as parts
        from value_counts
        group by column_name
    )

    select
        '{{ entity }}' as entity,
        column_name,
        case when row_count >= {{ var('association_minimum') }} then association end as association,
        row_count as sample_size
    from by_number
    union all
    select
        '{{ entity }}' as entity,
        column_name,
        case
            when row_count >= {{ var('association_minimum') }} and value_count > 1
                then {{ exact_ratio(
                    'cast(parts * row_count - flag_count * flag_count as decimal(38, 4))',
                    'flag_count * (row_count - flag_count)', 4
                ) }}
        end as association,
        row_count as sample_size
    from by_text
{%- endmacro %}

{#- CTEs up to `by_number`: for each of `numbers` (name, SQL of its value, its decimal places) the rows of `relation`
    that have it, and its correlation with the flag. The factors of a square are of unlike width on purpose: DuckDB
    keeps the product of two decimals of 18 digits to 18, and Spark that of two of 19 to fewer places. -#}
{% macro sums_with_flag(numbers, relation, flag) -%}
    {%- set names = numbers | map(attribute='name') | list -%}
    sums as (
        select
            {{ flag }} as flag
            {%- for number in numbers %},
            count({{ number.name }}) as n_{{ number.name }},
            cast(min({{ number.value }}) as decimal(24, 6)) as least_{{ number.name }},
            cast(max({{ number.value }}) as decimal(24, 6)) as greatest_{{ number.name }},
            {{ as_double(
                'sum(cast(' ~ number.value ~ ' as decimal(18, ' ~ number.scale ~ ')))'
            ) }} as x_{{ number.name }},
            {{ as_double(
                'sum(cast(' ~ number.value ~ ' as decimal(18, ' ~ number.scale ~ ')) * cast('
                ~ number.value ~ ' as decimal(19, ' ~ number.scale ~ ')))'
            ) }} as xx_{{ number.name }}
            {%- endfor %}
        from {{ relation }}
        group by {{ flag }}
    ),

    numbers_named as (
        select column_name
        from (
            values
            {%- for name in names %}
            ('{{ name }}'){{ "," if not loop.last }}
            {%- else %}
            ('')
            {%- endfor %}
        ) as named_columns (column_name)
    ),

    numbers_summed as (
        select
            numbers_named.column_name,
            sums.flag,
            {{ of_named_column(names, 'n_') }} as row_count,
            {{ of_named_column(names, 'least_') }} as least_value,
            {{ of_named_column(names, 'greatest_') }} as greatest_value,
            {{ of_named_column(names, 'x_') }} as sum_x,
            {{ of_named_column(names, 'xx_') }} as sum_of_squares
        from numbers_named
        cross join sums
    ),

    by_number as (
        select
            column_name,
            cast(sum(row_count) as bigint) as row_count,
            case
                when min(least_value) <> max(greatest_value)
                    then {{ correlation_with_flag('flag', 'row_count', 'sum_x', 'sum_of_squares') }}
            end as association
        from numbers_summed
        group by column_name
    )
{%- endmacro %}

{#- CTEs up to `value_counts`: for each of `texts` and each of its values in `relation` the rows, and those with the flag;
    values of fewer rows than the variable association_minimum are counted as one. -#}
{% macro counts_by_value(texts, relation, flag) -%}
    texts_counted as (
        select
            {{ texts | join(',\n            ') }}{{ "," if texts }}
            count(*) as row_count,
            count(*) filter (where {{ flag }}) as flag_count
        from {{ relation }}
        {% if texts -%}
        group by grouping sets (({{ texts | join('), (') }}))
        {%- endif %}
    ),

    -- A row of a grouping set has the one column that it is of; that of the rows without a value has none.
    texts_named as (
        select
            case
                {%- for text in texts %}
                when {{ text }} is not null then '{{ text }}'
                {%- else %}
                when false then ''
                {%- endfor %}
            end as column_name,
            row_count,
            flag_count
        from texts_counted
    ),

    value_counts as (
        select
            column_name,
            row_count,
            flag_count
        from texts_named
        where column_name is not null and row_count >= {{ var('association_minimum') }}
        union all
        select
            column_name,
            cast(sum(row_count) as bigint) as row_count,
            cast(sum(flag_count) as bigint) as flag_count
        from texts_named
        where column_name is not null and row_count < {{ var('association_minimum') }}
        group by column_name
    )
{%- endmacro %}
