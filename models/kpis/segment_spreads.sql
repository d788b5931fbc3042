-- How much of a segment's revenue its best fifth of buyers brings in: where it is nearly all, the
-- rest is another segment.
with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

buyers as (
    select
        membership.segment_key,
        features.customer_id,
        features.net_revenue_365d
    from {{ ref('segment_membership') }} as membership
    inner join {{ ref('customer_features') }} as features
        on membership.customer_id = features.customer_id
    inner join spine
        on features.as_of = spine.as_of
    where features.net_revenue_365d > 0
),

cuts as (
    {{ type7_quantiles('buyers', ['segment_key'], 'net_revenue_365d', 5, [4]) | indent(4) }}
)

select
    buyers.segment_key,
    cast(count(*) as bigint) as buyer_count,
    {{ ratio(
        'coalesce(sum(buyers.net_revenue_365d) filter ('
        ~ 'where buyers.net_revenue_365d * 5 >= cuts.scaled_cut), 0)',
        'sum(buyers.net_revenue_365d)'
    ) }} as best_fifth_share
from buyers
inner join cuts
    on buyers.segment_key = cuts.segment_key
group by buyers.segment_key
