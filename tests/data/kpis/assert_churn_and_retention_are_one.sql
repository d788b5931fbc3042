select
    retention.segment_key,
    retention.period_start
from {{ ref('segment_kpis') }} as retention
inner join {{ ref('segment_kpis') }} as churn
    on
        retention.segment_key = churn.segment_key
        and retention.period_grain = churn.period_grain
        and retention.period_start = churn.period_start
where
    retention.kpi = 'retention_rate'
    and churn.kpi = 'churn_rate'
    and (
        retention.numerator + churn.numerator <> retention.denominator
        or retention.denominator <> churn.denominator
        or (retention.value is null) <> (churn.value is null)
    )
