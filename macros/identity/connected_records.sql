{#- Which records are connected by shared identifiers, as long as there are few of them.

    `identifiers`   a CTE before it with a row per record_id, identifier_kind and identifier_value, each of
                    which links the records that carry it
    `most`          how many records a component may have

    Continues a list of CTEs and ends in a query with a row per record of the relation:
    `component_id`  one record_id of its component, the same for all; NULL where that has more than
                    `most` records
    `is_over`       whether it has

    How: every record starts with the records that it shares a value with; each step adds those that
    they had reached, which doubles the distance. A component of n records is at most n - 1 wide, so
    ceil(log2(most)) steps after the first know the whole of a small component, and of a large one, for
    each of its records, more than `most`. A record that has reached more than `most` is over, and so is
    whoever reaches it; it keeps itself only, so that no list is longer than `most` and a chain of any
    length costs the same per record. A list that a step does not lengthen is the whole component, and
    rests. The outcome depends on neither order nor chance.

    An engine may compute a step anew for each of its uses; with 5 steps of 3 that is bounded, and where
    it is felt, each step is to be a table. -#}
{% macro connected_records(identifiers, most) -%}
    {%- set steps = namespace(count=0, reach=1) -%}
    {%- for _ in range(20) if steps.reach < most -%}
        {%- set steps.count = steps.count + 1 -%}
        {%- set steps.reach = steps.reach * 2 -%}
    {%- endfor -%}
    buckets as (
        select distinct
            record_id,
            {{ bucket_of_hash('record_id') }} as bucket
        from {{ identifiers }}
    ),

    -- Numbers are several times as fast to join as hashes; made per bucket, so that no sort sees all.
    numbered as (
        select
            record_id,
            {{ number_in_bucket('record_id asc nulls last') }} as record_number
        from buckets
    ),

    carried as (
        select
            identifiers.identifier_kind,
            identifiers.identifier_value,
            numbered.record_number,
            count(*) over (
                partition by identifiers.identifier_kind, identifiers.identifier_value
            ) as carrier_count
        from {{ identifiers }} as identifiers
        inner join numbered
            on identifiers.record_id = numbered.record_id
    ),

    found_0 as (
        select distinct
            carried.record_number,
            others.record_number as reached_number,
            false as is_over,
            0 as known
        from carried
        inner join carried as others
            on
                carried.identifier_kind = others.identifier_kind
                and carried.identifier_value = others.identifier_value
        where carried.carrier_count <= {{ most }}
        union all
        -- A value of more records than may be one customer needs no pairs to tell.
        select distinct
            record_number,
            record_number as reached_number,
            true as is_over,
            0 as known
        from carried
        where carrier_count > {{ most }}
    ),

    {{ _lists_of('found_0', 0, most) }}
    {%- for step in range(1, steps.count + 1) %},

    found_{{ step }} as (
        select
            reached.record_number,
            further.reached_number,
            bool_or(further.is_over) as is_over,
            max(reached.list_length) as known
        from reached_{{ step - 1 }} as reached
        inner join reached_{{ step - 1 }} as further
            on reached.reached_number = further.record_number
        where not reached.is_at_rest
        group by reached.record_number, further.reached_number
    ),

    {{ _lists_of('found_' ~ step, step, most) }}
    {%- endfor %},

    components as (
        select
            record_number,
            min(reached_number) as component_number,
            bool_or(is_over) as is_over
        from reached_{{ steps.count }}
        group by record_number
    )

    select
        records.record_id,
        case when not components.is_over then firsts.record_id end as component_id,
        components.is_over
    from components
    inner join numbered as records
        on components.record_number = records.record_number
    inner join numbered as firsts
        on components.component_number = firsts.record_number
{%- endmacro %}

{#- The rest of a step: how long each list is now, whether it is too long or at rest, and what it holds. -#}
{% macro _lists_of(found, step, most) -%}
    lists_{{ step }} as (
        select
            record_number,
            count(*) as list_length,
            count(*) > {{ most }} or bool_or(is_over) as is_over,
            count(*) = max(known) as is_at_rest
        from {{ found }}
        group by record_number
    ),

    reached_{{ step }} as (
        select
            found.record_number,
            found.reached_number,
            false as is_over,
            lists.is_at_rest,
            lists.list_length
        from {{ found }} as found
        inner join lists_{{ step }} as lists
            on found.record_number = lists.record_number
        where not lists.is_over
        union all
        select
            record_number,
            record_number as reached_number,
            true as is_over,
            true as is_at_rest,
            1 as list_length
        from lists_{{ step }}
        where is_over
        {%- if step %}
        union all
        select
            record_number,
            reached_number,
            is_over,
            is_at_rest,
            list_length
        from reached_{{ step - 1 }}
        where is_at_rest
        {%- endif %}
    )
{%- endmacro %}
