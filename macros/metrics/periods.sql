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

{#- A query: a row per calendar year that is over, for its last quarter has closed, with its last business day. -#}
{% macro closed_years() -%}
select
    cast(extract(year from period_start) as int) as calendar_year,
    period_end as closed_on
from {{ ref('periods') }}
where
    period_grain = 'quarter'
    and closed_ago is not null
    and extract(month from period_start) = 10
{%- endmacro %}

{#- A query: how many customers, or accounts, were first seen on each date; NULL for those who have always been there.
    What is known by as_of counts. -#}
{% macro arrivals_of(entity) -%}
select
    '{{ entity }}' as entity,
    {% if entity == 'customer' -%}
    first_seen_on,
    count(*) as member_count
from {{ ref('known_customers') }}
    {%- else -%}
    {{ business_date('accounts.first_seen_at', 'settings.business_time_zone') }} as first_seen_on,
    count(*) as member_count
from {{ ref('accounts') }} as accounts
cross join {{ source('run', 'settings') }} as settings
inner join {{ ref('as_of_spine') }} as spine
    on
        spine.is_current
        and (accounts.first_seen_at is null or accounts.first_seen_at <= spine.as_of)
    {%- endif %}
group by first_seen_on
{%- endmacro %}

{#- Whether a stay of kpi_stays held on the date `day`, when that day began. A condition. -#}
{% macro held_on(stays, day) -%}
    {{ day }} between {{ stays }}.held_from_on and {{ stays }}.held_to_on
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
    select * from {{ ref('kpi_stays') }}
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
        {%- for measure in measures %}
        cast(sum(facts.{{ measure }}) as decimal(38, {{ scale }})) as {{ measure }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from facts
    inner join stays
        on
            facts.customer_id = stays.customer_id
            and {{ held_on('stays', 'facts.member_on') }}
    group by facts.period_grain, facts.period_start, stays.segment_key
),

{{ and_of_none(measures, scale=scale) }}
{%- endmacro %}

{#- The same sums of what adds up from day to day, without a row per period and customer: each row of the CTE `facts` is
    looked up among the stays once for all `grains`. It has customer_id, the measures, other `keys` to sum by (never
    NULL), and for each grain `<grain>_start`, the start of the period in which it counts, NULL where in none. The end
    of a query, with the keys as columns after segment_key. -#}
{% macro segment_sums_of_grains(grains, measures, keys=[], scale=4) -%}
stays as (
    select * from {{ ref('kpi_stays') }}
),

counted_in_all as (
    select
        case when customer_id is not null then 'all' end as segment_key,
        {%- for column in keys %}
        {{ column }},
        {%- endfor %}
        {%- for grain in grains %}
        {{ grain }}_start,
        {%- endfor %}
        {%- for measure in measures %}
        sum({{ measure }}) as {{ measure }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from facts
    group by all
),

bounded as (
    select
        *,
        least({{ grains | join('_start, ') }}_start) as first_start,
        greatest({{ grains | join('_start, ') }}_start) as last_start
    from facts
),

counted_in_segments as (
    select
        stays.segment_key,
        {%- for column in keys %}
        bounded.{{ column }},
        {%- endfor %}
        {%- for grain in grains %}
        case when {{ held_on('stays', 'bounded.' ~ grain ~ '_start') }} then bounded.{{ grain }}_start end
            as {{ grain }}_start,
        {%- endfor %}
        {%- for measure in measures %}
        sum(bounded.{{ measure }}) as {{ measure }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from bounded
    inner join stays
        on
            bounded.customer_id = stays.customer_id
            and bounded.last_start >= stays.held_from_on
            and bounded.first_start <= stays.held_to_on
    group by all
),

{% for sums in ['in_all', 'in_segments'] -%}
{{ sums }} as (
    {%- for grain in grains %}
    select
        '{{ grain }}' as period_grain,
        {{ grain }}_start as period_start,
        {%- for column in ['segment_key'] + keys %}
        {{ column }},
        {%- endfor %}
        {%- for measure in measures %}
        cast(sum({{ measure }}) as decimal(38, {{ scale }})) as {{ measure }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from counted_{{ sums }}
    where {{ grain }}_start is not null
    group by {{ ([grain ~ '_start', 'segment_key'] + keys) | join(', ') }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

{% endfor -%}

{{ and_of_none(measures, keys, scale) }}
{%- endmacro %}

{#- The end of both, after the CTEs in_all and in_segments. -#}
{% macro and_of_none(measures, keys=[], scale=4) -%}
groups as (
    select
        nones.segment_key,
        members.segment_key as member_key
    from {{ ref('kpi_segments') }} as nones
    inner join {{ ref('kpi_segments') }} as members
        on nones.exclusive_group = members.exclusive_group
    where nones.is_none and not members.is_none
),

in_none as (
    select
        in_all.period_grain,
        in_all.period_start,
        groups.segment_key,
        {%- for column in keys %}
        in_all.{{ column }},
        {%- endfor %}
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
            {%- for column in keys %}
            and in_all.{{ column }} = in_segments.{{ column }}
            {%- endfor %}
            and groups.member_key = in_segments.segment_key
    where in_all.segment_key is not null
    group by
        in_all.period_grain, in_all.period_start, groups.segment_key
        {%- for column in keys %}, in_all.{{ column }}{% endfor %}
)

{% for sums in ['in_all', 'in_segments', 'in_none'] -%}
select
    period_grain,
    period_start,
    {{ (['segment_key'] + keys) | join(',\n    ') }},
    {{ measures | join(',\n    ') }}
from {{ sums }}
{%- if not loop.last %}
union all
{% endif %}
{%- endfor %}
{%- endmacro %}
