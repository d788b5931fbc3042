{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Health-conscious millennials who come often',
    'description': 'In both health_conscious_millennials and frequent_class_attendees',
    'owner': 'crm@clientele.example',
    'objective': 'Offer the yearly membership',
    'goal_kpi': 'upgrade_rate',
    'priority': 808,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['survey_responses', 'business_events'],
    'examples': ['EX-20'],
}}) }}

-- Set algebra on segments: both have to be switched on with this one.
select
    health_conscious.as_of,
    health_conscious.customer_id
from {{ ref('seg_health_conscious_millennials') }} as health_conscious
inner join {{ ref('seg_frequent_class_attendees') }} as attendees
    on
        health_conscious.as_of = attendees.as_of
        and health_conscious.customer_id = attendees.customer_id
