-- Clicks count all the same, but a rate of those delivered to is then too high, and may exceed 1.
select
    contacts.campaign_id,
    contacts.channel,
    count(*) as customer_count
from {{ ref('campaign_contacts') }} as contacts
where (contacts.is_opened or contacts.is_clicked) and not contacts.is_delivered
group by contacts.campaign_id, contacts.channel
