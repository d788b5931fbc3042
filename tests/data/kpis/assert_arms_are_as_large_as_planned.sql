-- Arms of other sizes than planned come of a broken draw or of lost files, hardly of chance, and
-- whoever is missing in one of them is not missing at random.
select
    source_system,
    experiment_id,
    sample_ratio_statistic
from {{ ref('experiment_sample_ratios') }}
where sample_ratio_verdict = 'invalid'
