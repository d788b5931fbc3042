-- Instants of one run see the same facts, so that orders and time alone move a customer from one to
-- the next. A customer who is a prospect again, or lapses in a month, is then a fault of the models
-- (a window that forgets, a fact from after as_of), or the seed no longer follows the thresholds.
-- Against what was published before, late and corrected data move customers too, on most days:
-- that is no fault, and a warning where it is many (expect_few_lifecycle_stages_to_be_corrected).
select
    as_of,
    customer_id,
    from_stage,
    to_stage,
    days_between
from {{ ref('lifecycle_moves') }}
where cause = 'unexplained'
