{%- set window_days = attribution_days('attribution_window_days') -%}
{%- set in_time = 'partition by source_system, order_id order by touched_at asc nulls last,'
    ~ ' channel asc nulls last, touch_id asc nulls last, touch_kind asc nulls last' -%}
{%- set whole_path = 'rows between unbounded preceding and unbounded following' -%}
{%- set so_far = 'rows between unbounded preceding and current row' -%}

with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

conversions as (
    select
        orders.source_system,
        orders.order_id,
        orders.customer_id,
        orders.reporting_net_amount as net_revenue,
        orders.ordered_at,
        orders.ordered_on,
        {{ attribution_block('orders.ordered_on') }} as block
    from {{ ref('fct_orders') }} as orders
    inner join spine
        on orders.ordered_at <= spine.as_of
    where orders.is_counting
),

-- A touch is met by the orders of its own block of days and of the next.
touches as (
    {%- for next in [0, 1] %}
    select
        customer_id,
        touch_kind,
        touch_id,
        channel,
        campaign_id,
        occurred_at,
        occurred_on,
        {{ attribution_block('occurred_on') }} + {{ next }} as block
    from {{ ref('fct_touches') }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

met as (
    select
        conversions.source_system,
        conversions.order_id,
        touches.touch_kind,
        touches.touch_id,
        touches.channel,
        touches.campaign_id,
        touches.occurred_at as touched_at,
        touches.occurred_on as touched_on,
        {{ days_between('touches.occurred_on', 'conversions.ordered_on') }} as days_before
    from conversions
    inner join touches
        on
            conversions.customer_id = touches.customer_id
            and conversions.block = touches.block
            and conversions.ordered_at >= touches.occurred_at
            and {{ in_last_days('touches.occurred_on', 'conversions.ordered_on', window_days) }}
),

weighed as (
    select
        *,
        cast({{ decay_weight('days_before') | indent(8) }} as bigint) as decay_weight
    from met
),

-- One order of rows for all figures, so that they are sorted once.
paths as (
    select
        *,
        row_number() over ({{ in_time }}) as touch_number,
        count(*) over ({{ in_time }} {{ whole_path }}) as touch_count,
        sum(decay_weight) over ({{ in_time }} {{ whole_path }}) as decay_total,
        count(*) filter (where channel <> 'direct')
            over ({{ in_time }} {{ whole_path }}) as other_count,
        count(*) filter (where channel <> 'direct')
            over ({{ in_time }} {{ so_far }}) as other_number
    from weighed
)

select
    conversions.source_system,
    conversions.order_id,
    conversions.customer_id,
    coalesce(paths.touch_kind, 'none') as touch_kind,
    coalesce(paths.touch_id, 'none') as touch_id,
    coalesce(paths.channel, 'unattributed') as channel,
    paths.campaign_id,
    conversions.net_revenue,
    -- An order without a touch is a path of one that gets the whole credit.
    cast(coalesce(paths.touch_number, 1) as int) as touch_number,
    cast(coalesce(paths.touch_count, 1) as int) as touch_count,
    case
        when paths.other_count > 0
            then paths.channel <> 'direct' and paths.other_number = paths.other_count
        else coalesce(paths.touch_number = paths.touch_count, true)
    end as is_last_not_direct,
    coalesce(paths.decay_weight, 1) as decay_weight,
    cast(coalesce(paths.decay_total, 1) as bigint) as decay_total,
    paths.days_before,
    paths.touched_at,
    paths.touched_on,
    conversions.ordered_at,
    conversions.ordered_on
from conversions
left join paths
    on
        conversions.source_system = paths.source_system
        and conversions.order_id = paths.order_id
