{#- The periods that KPIs are told of. -#}

{% macro period_grains() -%}
    {{ return(['day', 'week', 'month', 'quarter']) }}
{%- endmacro %}

{#- The first day of the period of a grain that the date `day` lies in. -#}
{% macro period_start(day, grain) -%}
    {%- if grain == 'day' -%} {{ day }}
    {%- elif grain == 'week' -%} {{ week_start(day) }}
    {%- elif grain == 'month' -%} {{ month_start(day) }}
    {%- elif grain == 'quarter' -%} {{ quarter_start(day) }}
    {%- else -%} {{ exceptions.raise_compiler_error("period_start: no grain is called " ~ grain) }}
    {%- endif -%}
{%- endmacro %}

{#- The last day of the period of a grain that begins with the date `start`; a quarter's third month has the day
    70 days after its first. -#}
{% macro period_end(start, grain) -%}
    {%- if grain == 'day' -%} {{ start }}
    {%- elif grain == 'week' -%} {{ add_days(start, 6) }}
    {%- elif grain == 'month' -%} {{ month_end(start) }}
    {%- elif grain == 'quarter' -%} {{ month_end(add_days(start, 70)) }}
    {%- else -%} {{ exceptions.raise_compiler_error("period_end: no grain is called " ~ grain) }}
    {%- endif -%}
{%- endmacro %}

{#- Whether a stay of segment_stays held on the date `day`, when that day began. A condition. -#}
{% macro held_on(stays, day) -%}
    {{ day }} > {{ stays }}.valid_from_on
    and ({{ stays }}.valid_to_on is null or {{ day }} <= {{ stays }}.valid_to_on)
{%- endmacro %}

{#- The end of a query: a row per customer of the CTE `firsts` and segment in which they were at the first instant at
    or after the column `first_at` at which it was observed, and one of 'all'. The columns `kept` of `firsts` stand
    beside segment_key and customer_id. -#}
{% macro in_segments_when_first_observed(firsts, first_at, kept) -%}
select
    'all' as segment_key,
    customer_id,
    {{ kept | join(',\n    ') }}
from {{ firsts }}
union all
select
    observed.segment_key,
    firsts.customer_id,
    firsts.{{ kept | join(',\n    firsts.') }}
from {{ firsts }} as firsts
inner join (
    select
        segment_key,
        as_of,
        lag(as_of) over (partition by segment_key order by as_of asc nulls last) as previous_as_of
    from {{ ref('segment_observations') }}
) as observed
    on
        firsts.{{ first_at }} <= observed.as_of
        and (observed.previous_as_of is null or firsts.{{ first_at }} > observed.previous_as_of)
inner join {{ ref('segment_stays') }} as stays
    on
        firsts.customer_id = stays.customer_id
        and observed.segment_key = stays.segment_key
        and observed.as_of >= stays.valid_from
        and (stays.valid_to is null or observed.as_of < stays.valid_to)
{%- endmacro %}

{#- A query that sums measures of customers into segments: a row per period_grain, period_start and segment_key with
    anybody, 'all' and the none of each exclusive group among them. `relation` has a row per period and customer with
    these measures (numbers, never NULL) and `member_on`, the day on which a membership must have held; the sums over
    rows of no customer have segment_key NULL and are in no other row. A none is 'all' less its group, which nobody is
    twice in. Sums are decimal(38, `scale`). -#}
{% macro segment_sums(relation, measures, scale=4) -%}
with

facts as (
    select * from {{ relation }}
),

stays as (
    select * from {{ ref('segment_stays') }} where is_listed
),

groups as (
    select
        segment_key,
        exclusive_group
    from {{ ref('kpi_segments') }}
    where is_none
),

in_all as (
    select
        period_grain,
        period_start,
        case when customer_id is not null then 'all' end as segment_key,
        {%- for measure in measures %}
        cast(sum({{ measure }}) as decimal(38, {{ scale }})) as {{ measure }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from facts
    group by period_grain, period_start, case when customer_id is not null then 'all' end
),

in_segments as (
    select
        facts.period_grain,
        facts.period_start,
        stays.segment_key,
        stays.exclusive_group,
        {%- for measure in measures %}
        cast(sum(facts.{{ measure }}) as decimal(38, {{ scale }})) as {{ measure }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from facts
    inner join stays
        on
            facts.customer_id = stays.customer_id
            and {{ held_on('stays', 'facts.member_on') | indent(12) }}
    group by facts.period_grain, facts.period_start, stays.segment_key, stays.exclusive_group
),

in_none as (
    select
        in_all.period_grain,
        in_all.period_start,
        groups.segment_key,
        {%- for measure in measures %}
        cast(max(in_all.{{ measure }}) - coalesce(sum(in_segments.{{ measure }}), 0) as decimal(38, {{ scale }}))
            as {{ measure }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from in_all
    cross join groups
    left join in_segments
        on
            in_all.period_grain = in_segments.period_grain
            and in_all.period_start = in_segments.period_start
            and groups.exclusive_group = in_segments.exclusive_group
    where in_all.segment_key is not null
    group by in_all.period_grain, in_all.period_start, groups.segment_key
)

{% for sums in ['in_all', 'in_segments', 'in_none'] -%}
select
    period_grain,
    period_start,
    segment_key,
    {{ measures | join(',\n    ') }}
from {{ sums }}
{%- if not loop.last %}
union all
{% endif %}
{%- endfor %}
{%- endmacro %}
