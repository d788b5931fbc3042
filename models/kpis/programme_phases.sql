with

programmes as (
    select
        programmes.*,
        {{ business_date(next_instant('spine.as_of'), 'settings.business_time_zone') }}
            as first_open_on
    from {{ ref('programmes') }} as programmes
    cross join {{ source('run', 'settings') }} as settings
    inner join {{ ref('as_of_spine') }} as spine
        on spine.is_current
)

{% for phase, starts_on, ends_on in [
    ('before', 'before_start', 'before_end'),
    ('during', 'started_on', add_days('after_start', -1)),
    ('after', 'after_start', 'after_end'),
] -%}
select
    programme,
    segment_key,
    '{{ phase }}' as phase,
    {{ starts_on }} as starts_on,
    {{ ends_on }} as ends_on,
    first_open_on
from programmes
{%- if not loop.last %}
union all
{% endif %}
{%- endfor %}
