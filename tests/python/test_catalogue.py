"""A segment is one file and one line; what is forgotten is refused with a sentence that helps."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from conftest import PROJECT, Workspace, nightly
from test_refresh import orders_csv

SEGMENT = """{{{{ config(meta={{'segment': {{
    {owner}
    'objective': 'Win back loyal customers before they churn',
    'goal_kpi': 'retention_rate',
    'priority': 25,
    'minimum_size': 5,
    'review_by': '2027-03-31',
}}}}) }}}}

select
    as_of,
    customer_id
from {{{{ ref('customer_profiles') }}}}
where order_count_lifetime >= 5
"""


@nightly
def test_a_segment_that_is_not_whole_is_refused(workspace: Workspace) -> None:
    workspace.write("orders/first.csv", orders_csv(70))
    workspace.settled()
    project = workspace.copy_project()
    listed = project / "dbt_project.yml"
    before = workspace.published()

    add_line(listed)
    sentence = workspace.refused()
    assert "models/segments/seg_tea_time.sql: the file is missing but listed in" in sentence
    assert "dbt_project.yml:21; " in sentence
    assert "write the file" in sentence
    assert workspace.published() == before

    file = project / "models" / "segments" / "seg_tea_time.sql"
    file.write_text(SEGMENT.format(owner=""), encoding="utf-8")
    sentence = workspace.refused()
    assert "models/segments/seg_tea_time.sql:3: it has no owner" in sentence
    assert "add 'owner' to config(meta=" in sentence
    assert workspace.published() == before

    listed.write_text((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"), encoding="utf-8")
    file.write_text(SEGMENT.format(owner="'owner': 'crm@example.com',"), encoding="utf-8")
    sentence = workspace.refused()
    assert '"- tea_time" under vars.segments in dbt_project.yml' in sentence
    assert workspace.published() == before


@nightly
@pytest.mark.kpis
def test_a_segment_is_one_file_and_one_line(workspace: Workspace) -> None:
    workspace.write("orders/first.csv", orders_csv(70))
    workspace.settled()
    project = workspace.copy_project()
    listed = project / "dbt_project.yml"
    file = project / "models" / "segments" / "seg_tea_time.sql"
    file.write_text(SEGMENT.format(owner="'owner': 'crm@example.com',"), encoding="utf-8")
    add_line(listed)
    workspace.refresh()
    assert workspace.query(
        "select owner, priority, kind, status from segments where segment_key = 'tea_time'"
    ) == [("crm@example.com", 25, "single", "too_large")]
    # The month ends before it existed are filled in, for it alone.
    observed = workspace.query(
        "select basis, count(*) from segment_sizes where segment_key = 'tea_time' "
        "group by basis order by basis"
    )
    assert observed == [("backfilled", 2), ("published", 1)]
    assert workspace.query(
        "select count(*) from segment_kpis where segment_key = 'tea_time' and kpi = 'revenue' "
        "and period_grain = 'month'"
    ) == [(3,)]

    # Retired: its members leave, and the history keeps them.
    file.unlink()
    listed.write_text((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"), encoding="utf-8")
    workspace.write("orders/second.csv", orders_csv(6, first=date(2025, 3, 17)))
    workspace.refresh()
    assert workspace.query("from segments where segment_key = 'tea_time'") == []
    assert workspace.query("from segment_membership where segment_key = 'tea_time'") == []
    stays = workspace.query(
        "select count(*), count(valid_to) from segment_membership_history "
        "where segment_key = 'tea_time'"
    )
    assert stays[0][0] == stays[0][1] > 0


def add_line(listed: Path) -> None:
    text = listed.read_text(encoding="utf-8")
    changed = re.sub(r"(?m)^  segments:\n", "  segments:\n    - tea_time\n", text)
    assert changed != text
    listed.write_text(changed, encoding="utf-8")
