"""The lint says what is wrong with a segment, and where; bad ones leave the release alone."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path

import duckdb
import pytest
from conftest import PROJECT, Workspace, nightly
from segment_project import add_line, add_segment, catalogue_of, copy_files, segment_sql
from test_refresh import land

from orchestration.errors import ClienteleError
from orchestration.segment_files import read_catalogue
from orchestration.segment_lint import (
    SENSITIVE,
    Finding,
    column_kinds,
    criteria,
    lint_files,
    lint_release,
    lint_text,
    refuse_at_refresh,
)

KINDS = column_kinds(PROJECT)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return copy_files(tmp_path)


@cache
def shipped() -> frozenset[str]:
    """What the lint says of the shipped catalogue, such as goals that are not computed yet."""
    return frozenset(str(one) for one in lint_files(read_catalogue(PROJECT)))


def findings(project: Path, rule: str = "") -> list[Finding]:
    """What the lint says of a copied project beyond what it says of the shipped one."""
    return [
        one
        for one in lint_files(catalogue_of(project))
        if rule in ("", one.rule) and str(one) not in shipped()
    ]


def only(project: Path, rule: str) -> Finding:
    """The one finding of a project that is sound but for it."""
    (finding,) = findings(project)
    assert finding.rule == rule
    return finding


def test_the_shipped_catalogue_has_nothing_to_refuse() -> None:
    refused = [str(one) for one in lint_files(read_catalogue(PROJECT)) if one.severity == "refuse"]
    assert refused == []


# One file ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", ["owner", "objective", "goal_kpi", "priority", "review_by"])
@pytest.mark.parametrize("value", [None, ""])
def test_what_a_segment_must_say(project: Path, entry: str, value: object) -> None:
    add_segment(project, "tea", "order_count_30d > 1", **{entry: value})
    finding = only(project, "metadata")
    assert finding.severity == "refuse"
    assert f"it has no {entry}; add '{entry}' to config(meta=" in finding.message
    assert finding.path == "models/segments/custom/seg_tea.sql"
    line = (project / finding.path).read_text().splitlines()[finding.line - 1]
    assert (entry in line) == (value == "")


@pytest.mark.parametrize(
    ("metadata", "rule", "line", "said"),
    [
        ({"goal_kpi": "retention"}, "goal_kpi", 4, "did you mean retention_rate"),
        ({"review_by": "next year"}, "metadata", 7, "is no day"),
        ({"priority": "high"}, "metadata", 5, "no whole number"),
        ({"minimum_size": -1}, "metadata", 6, "no whole number"),
    ],
)
def test_what_a_segment_says_must_be_so(
    project: Path, metadata: dict[str, object], rule: str, line: int, said: str
) -> None:
    add_segment(project, "tea", "order_count_30d > 1", **metadata)
    finding = only(project, rule)
    assert (finding.severity, finding.line) == ("refuse", line)
    assert said in finding.message


def test_a_file_without_metadata_or_with_broken_jinja_is_refused(project: Path) -> None:
    add_segment(project, "tea", "order_count_30d > 1").write_text("select 1 as as_of\n")
    add_segment(project, "cake", "order_count_30d > 1").write_text("{{ config(\n\nselect 1\n")
    said = [str(one) for one in findings(project, "metadata")]
    assert any("seg_tea.sql:1: refuse: it has no config(meta=" in one for one in said)
    assert any("seg_cake.sql:3: refuse: its Jinja cannot be read" in one for one in said)


def test_a_segment_has_a_contract_that_is_filled_in(project: Path) -> None:
    add_segment(project, "tea", "order_count_30d > 1", contract=False, listed="segments_off")
    finding = only(project, "contract")
    assert finding.severity == "refuse"
    assert "a unit test of seg_tea in models/segments/custom/_contracts.yml" in finding.message


@pytest.mark.parametrize(
    ("relation", "said"),
    [
        ("{{ ref('stg_orders') }}", "stg_orders of staging"),
        ("{{ ref('customers') }}", "customers of identity"),
        ("{{ ref('segment_membership') }}", "segment_membership of membership"),
        ("{{ ref('segment_kpis') }}", "segment_kpis of kpis"),
        ("{{ source('raw', 'orders') }}", "a source"),
    ],
)
def test_a_segment_reads_what_is_to_its_left(project: Path, relation: str, said: str) -> None:
    body = f"select as_of, customer_id\nfrom {relation}\nwhere order_count_30d > 1\n"
    add_segment(project, "tea", body=body)
    finding = only(project, "layer")
    assert (finding.severity, finding.line) == ("refuse", 11)
    assert f"it reads {said}; a segment reads facts" in finding.message


@pytest.mark.parametrize(
    ("where", "rule"),
    [
        ("last_order_at > current_timestamp", "clock"),
        ("last_order_at > now()", "clock"),
        ("last_order_at > {{ dbt.current_timestamp() }}", "clock"),
        ("median(order_count_30d) > 1", "portability"),
    ],
)
def test_a_segment_uses_no_clock(project: Path, where: str, rule: str) -> None:
    add_segment(project, "tea", where, objective="They buy now() and today")
    (finding,) = findings(project, rule)
    assert (finding.severity, finding.line) == ("refuse", 14)


# What it looks at --------------------------------------------------------------------------------

PROFILES = "from {{ ref('customer_profiles') }}"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f"select age, gender {PROFILES} where order_count_30d > 1", {"order_count_30d"}),
        (f"select as_of {PROFILES} where customer_id is not null", set()),
        (f"select as_of {PROFILES} as p where P.Age > 1 and p.country = 'GB'", {"age", "country"}),
        (
            f"with a as (select *, case when age < 30 then 1 end as young {PROFILES}), "
            "b as (select *, young as is_young from a) select as_of from b where is_young = 1",
            {"age"},
        ),
        (
            f"select as_of {PROFILES} group by as_of having count(has_children) > 1",
            {"has_children"},
        ),
        (
            f"select as_of {PROFILES} qualify rank() over (order by age) = 1",
            {"age"},
        ),
        (
            f"select as_of {PROFILES} "
            "where {{ ratio('order_count_30d', 'household_size') }} > 1",
            {"order_count_30d", "household_size"},
        ),
        (
            "{%- set tag = 'lifestyle:luxury' -%}\n"
            f"select as_of {PROFILES} where {{{{ has_tag('psychographic_tags', tag) }}}}",
            {"psychographic_tags"},
        ),
        (
            f"select as_of {PROFILES} where exists (select 1 from {{{{ ref('fct_orders') }}}} as o "
            "where o.net_amount > 5)",
            {"net_amount"},
        ),
    ],
)
def test_conditions_are_looked_through_to_their_columns(body: str, expected: set[str]) -> None:
    assert criteria(body, KINDS).columns == expected


def test_relations_beside_the_profiles_are_criteria_too() -> None:
    body = f"select as_of {PROFILES} as p inner join {{{{ ref('seg_vip') }}}} using (customer_id)"
    assert criteria(body, KINDS).relations == {"seg_vip"}
    assert criteria(f"with a as (select * {PROFILES}) select * from a", KINDS).relations == set()


def test_sql_that_cannot_be_read_is_told() -> None:
    with pytest.raises(ClienteleError, match="cannot be read"):
        criteria("select from where )", KINDS)


@pytest.mark.parametrize("column", sorted(SENSITIVE))
def test_a_sensitive_attribute_needs_a_reason(project: Path, column: str) -> None:
    where = f"order_count_30d > 1\n    and {column} is not null"
    add_segment(project, "tea", where)
    finding = only(project, "sensitive")
    assert (finding.severity, finding.line) == ("refuse", 15)
    assert column in finding.message
    assert "'sensitive_reason'" in finding.message
    file = project / "models" / "segments" / "custom" / "seg_tea.sql"
    file.write_text(segment_sql(where, sensitive_reason="Sizes of baby clothes"))
    assert findings(project, "sensitive") == []
    file.write_text(segment_sql(where, sensitive_reason="  "))
    assert len(findings(project, "sensitive")) == 1


def test_every_sensitive_attribute_is_also_a_demographic() -> None:
    assert {KINDS.get(column) for column in SENSITIVE} == {"demographic"}


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("income_band = 'high'", "demographics (income_band)"),
        ("income_band = 'high' and country = 'GB'", "demographics (country and income_band)"),
        ("country = 'GB' and as_of is not null", "where people live (country)"),
        ("postal_code = 'N1'", "where people live (postal_code)"),
        ("income_band = 'high' and order_count_30d > 0", ""),
        ("true", ""),
    ],
)
def test_demographics_alone_are_a_stereotype(project: Path, where: str, said: str) -> None:
    file = add_segment(project, "tea", where)
    if not said:
        assert findings(project) == []
        return
    finding = only(project, "demographics")
    assert (finding.severity, finding.line) == ("warn", 10)
    assert f"its only criterion is {said}" in finding.message
    file.write_text(segment_sql(where, demographics_reason="A shop in one town"))
    assert findings(project) == []


# The release -------------------------------------------------------------------------------------


@pytest.fixture
def marts() -> duckdb.DuckDBPyConnection:
    """A release as of a day, in which nobody is in any segment yet."""
    connection = duckdb.connect()
    connection.execute(
        "create table release as select timestamp '2026-07-01 03:59:59' as as_of, "
        "'America/New_York' as business_time_zone;"
        "create table segments (segment_key varchar, member_count bigint, share_of_base double);"
        "create table segment_membership (segment_key varchar, customer_id varchar)"
    )
    return connection


def released(project: Path, marts: duckdb.DuckDBPyConnection) -> list[Finding]:
    return lint_release(catalogue_of(project), marts)


@pytest.mark.parametrize(
    ("review_by", "severity", "days"),
    [
        ("2026-06-30", "", 0),
        ("2026-06-29", "warn", 1),
        ("2026-01-01", "warn", 180),
        ("2025-12-31", "refuse", 181),
    ],
)
def test_a_review_is_due_by_the_day_of_the_data(
    project: Path, marts: duckdb.DuckDBPyConnection, review_by: str, severity: str, days: int
) -> None:
    add_segment(project, "tea", "order_count_30d > 1", review_by=review_by)
    found = released(project, marts)
    assert [one.severity for one in found] == ([severity] if severity else [])
    if severity:
        assert f"due for {days} day" in found[0].message
        assert found[0].line == 7


@pytest.mark.parametrize(
    ("members", "share", "rule"),
    [
        (0, 0.0, "empty"),
        (4, 0.01, "too_small"),
        (5, 0.01, ""),
        (60, 0.6, ""),
        (61, 0.61, "too_large"),
        (100, 1.0, "too_large"),
    ],
)
def test_a_size_is_held_to_its_bounds(
    project: Path, marts: duckdb.DuckDBPyConnection, members: int, share: float, rule: str
) -> None:
    add_segment(project, "tea", "order_count_30d > 1")
    marts.execute("insert into segments values ('tea', ?, ?)", [members, share])
    found = released(project, marts)
    assert [(one.severity, one.rule) for one in found] == ([("warn", rule)] if rule else [])


@pytest.mark.parametrize(("common", "alike"), [(18, False), (19, True), (20, True)])
@pytest.mark.parametrize("other", ["vip", "rfm_lost"])
def test_segments_that_are_nearly_one_are_told(
    project: Path, marts: duckdb.DuckDBPyConnection, common: int, alike: bool, other: str
) -> None:
    # 20 members in all: 18 in both are 90 %, which is not over 90 %.
    add_segment(project, "tea", "order_count_30d > 1")
    rows = [("tea", f"c{number}") for number in range(20)]
    rows += [(other, f"c{number}") for number in range(common)]
    marts.executemany("insert into segment_membership values (?, ?)", rows)
    found = [one for one in released(project, marts) if one.rule == "alike"]
    assert len(found) == int(alike)
    if alike:
        assert f"{common * 5}%" in found[0].message
        assert {"tea", other} <= set(found[0].message.replace("`", " ").split())


# The project -------------------------------------------------------------------------------------


def test_faults_between_the_files_name_the_file_and_the_line(project: Path) -> None:
    add_segment(project, "twice", "order_count_30d > 1")
    add_segment(project, "twice", "order_count_30d > 1", family="other", listed="")
    for one, other in (("chicken", "egg"), ("egg", "chicken"), ("own", "own")):
        body = f"select as_of, customer_id\nfrom {{{{ ref('seg_{other}') }}}}"
        add_segment(project, one, body=body)
    add_segment(project, "it's", "order_count_30d > 1", contract=False, listed="")
    add_segment(project, "a" * 200, "order_count_30d > 1", contract=False, listed="")
    add_segment(project, "rfm_mine", "order_count_30d > 1", listed="")
    add_segment(project, "back", "order_count_30d > 1")
    add_segment(project, "forgotten", "order_count_30d > 1", listed="")
    add_segment(project, "off_one", "order_count_30d > 1", listed="segments_off")
    above = "select as_of, customer_id\nfrom {{ ref('seg_off_one') }}"
    add_segment(project, "above", body=above)
    add_line(project, "vip", "segments_off")
    add_line(project, "upside")
    add_line(project, "nowhere")
    with (project / "seeds" / "segment_lineage.csv").open("a") as seed:
        seed.write("back,merged,vip,2026-01-01,\n")
    said = [str(one) for one in findings(project, "catalogue")]
    text = "\n".join(said)
    folder = "models/segments/custom"
    for told in (
        "models/segments/other/seg_twice.sql: refuse: the key twice is also that of "
        f"{folder}/seg_twice.sql",
        f"{folder}/seg_chicken.sql:11: refuse: segments are built on each other in a circle "
        "(chicken reads egg reads chicken)",
        f"{folder}/seg_own.sql:11: refuse: segments are built on each other in a circle "
        "(own reads own)",
        f"{folder}/seg_it's.sql: refuse: a key has lower-case letters",
        "... (200 characters).sql: refuse: it has 200 characters",
        f"{folder}/seg_rfm_mine.sql: refuse: keys that begin with rfm_",
        f"{folder}/seg_back.sql: refuse: the key back was merged on 2026-01-01",
        f'{folder}/seg_forgotten.sql: refuse: it is not listed; add the line "- forgotten" under',
        "vip stands in vars.segments too",
        "upside stands in vars.segments 2 times",
        "seg_nowhere.sql: refuse: the file is missing but listed in dbt_project.yml:",
        f"{folder}/seg_above.sql:11: refuse: it is built on off_one, which is off; move the line "
        '"- off_one" from vars.segments_off to vars.segments in dbt_project.yml too',
    ):
        assert told in text
    assert len(said) == 12
    with pytest.raises(ClienteleError) as caught:
        refuse_at_refresh(catalogue_of(project))
    assert "more: `clientele segment lint` names all)" in caught.value.sentence
    assert "\n" not in caught.value.sentence


def test_a_segment_that_is_off_stops_no_refresh(project: Path) -> None:
    where = "gender = 'female' and order_count_30d > 1"
    add_segment(project, "tea", where, owner="", goal_kpi="joy", listed="segments_off")
    refuse_at_refresh(catalogue_of(project))
    assert sorted((one.severity, one.rule) for one in findings(project)) == [
        ("refuse", "metadata"),
        ("refuse", "sensitive"),
        ("warn", "goal_kpi"),  # it may wait for its measure
    ]


def test_500_segments_are_read_and_told_to_be_too_many(project: Path) -> None:
    for number in range(500):
        body = (
            f"select as_of, customer_id\nfrom {{{{ ref('seg_s{number - 1}') }}}}" if number else ""
        )
        add_segment(project, f"s{number}", "order_count_30d > 1", body=body, family="many")
    started = time.monotonic()
    finding = only(project, "count")
    assert time.monotonic() - started < 60
    assert finding.severity == "warn"
    assert "512 segments are on, more than segment_maximum_count (50)" in finding.message


def test_the_report_counts_and_refusals_come_first() -> None:
    text = lint_text(
        [Finding("a.sql", 1, "warn", "empty", "nobody"), Finding("b.sql", 0, "refuse", "x", "no")],
        "no release",
    )
    assert text.splitlines() == [
        "b.sql: refuse: no [x]",
        "a.sql:1: warn: nobody [empty]",
        "",
        "1 refused, 1 to look at; no release.",
    ]


# Refreshes ---------------------------------------------------------------------------------------


@pytest.fixture
def settled(workspace: Workspace) -> Workspace:
    """A shop with a release."""
    land(workspace)
    workspace.settled()
    return workspace


def test_bad_segments_leave_the_release_as_it_is(settled: Workspace) -> None:
    before = settled.published()
    project = settled.copy_project()
    sound = segment_sql("order_count_30d > 1")
    # All lines at once: dbt reads the whole project anew where the list is another.
    lost, broken, doubled, nobody, ghosts = (
        add_segment(project, key, "order_count_30d > 1")
        for key in ("no_kpi", "broken", "doubled", "nobody", "ghosts")
    )

    # Told in a second, before anything is built.
    lost.write_text(segment_sql("order_count_30d > 1", goal_kpi="joy"), encoding="utf-8")
    assert "seg_no_kpi.sql:4: joy is no KPI of segment_kpis" in settled.refused()
    lost.write_text(sound, encoding="utf-8")

    # DuckDB's fault, with the file and the line of it.
    where = "order_count_30d > 1\n    and no_such_column = 1"
    broken.write_text(segment_sql(where), encoding="utf-8")
    sentence = settled.refused()
    assert "models/segments/custom/seg_broken.sql:15: " in sentence
    assert "no_such_column" in sentence
    assert settled.published() == before
    broken.write_text(sound, encoding="utf-8")

    # Members that are none: one check names all three files.
    union = "select as_of, customer_id from {{ ref('customer_profiles') }}\nunion all\n"
    profiles = "select as_of, {} as customer_id from {{{{ ref('customer_profiles') }}}}"
    for path, body in (
        (doubled, union + profiles.format("customer_id")),
        (nobody, profiles.format("cast(null as string)")),
        (ghosts, profiles.format("customer_id || '!'")),
    ):
        path.write_text(segment_sql(body=body), encoding="utf-8")
    sentence = settled.refused()
    assert "assert_segments_list_customers_once" in sentence
    for key, fault in (
        ("doubled", "lists customers more than once"),
        ("ghosts", "lists ids that are no customers at that time"),
        ("nobody", "lists NULL ids"),
    ):
        assert f"file models/segments/custom/seg_{key}.sql, fault {fault}" in sentence
    assert settled.published() == before


@nightly
def test_a_refresh_after_the_verbs_follows_them(settled: Workspace) -> None:
    """Members leave what was retired, history follows a new key, everyone in one is flagged."""
    project = settled.copy_project()
    add_segment(project, "doubled", "order_count_30d > 1")
    history = (
        "select * exclude (segment_key) from segment_membership_history "
        "where segment_key = '{}' order by all"
    )
    before_rename = settled.query(history.format("high_value"))
    assert before_rename
    completed = settled.run("segment", "retire", "doubled", "--reason", "a try")
    assert completed.returncode == 0, completed.stderr
    assert settled.run("segment", "rename", "high_value", "best_buyers").returncode == 0
    add_segment(project, "everyone", "true")
    settled.refresh()
    assert settled.query(
        "select segment_key, member_count > 0, status = 'too_large' from segments where "
        "segment_key in ('high_value', 'everyone', 'best_buyers', 'doubled') order by all"
    ) == [("best_buyers", True, False), ("everyone", True, True)]
    # The history goes on under the new key, and no stay is broken.
    assert settled.query("from segment_membership_history where segment_key = 'high_value'") == []
    assert before_rename == settled.query(history.format("best_buyers"))
    linted = settled.run("segment", "lint")
    assert "seg_everyone.sql:10: warn: 100.0% of all customers are in it" in linted.stdout
    shown = settled.run("segment", "show", "best_buyers")
    assert "high_value was renamed into it on" in shown.stdout
