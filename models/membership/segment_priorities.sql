with

standing as (
    select * from {{ ref('segment_priority_standing') }} where entity = 'customer'
),

catalogue as (
    select * from {{ ref('segment_catalogue') }}
)

select
    standing.priority_list,
    standing.member_id as customer_id,
    standing.segment_key,
    standing.priority,
    standing.is_winner,
    standing.winning_segment_key,
    case
        when not standing.is_winner
            then
                winners.name || ' comes first: priority '
                || cast(standing.winning_priority as string) || ' before '
                || cast(standing.priority as string)
    end as reason
from standing
inner join catalogue as winners
    on standing.winning_segment_key = winners.segment_key
