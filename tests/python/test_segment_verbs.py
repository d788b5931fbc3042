"""The verbs of `clientele segment` change what they say, whole, and nothing else."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from conftest import Workspace, nightly
from pipeline import PROJECT, Pipeline
from segment_project import add_segment, catalogue_of, changed, copy_files, snapshot

from orchestration import segment_changes
from orchestration.cli import main
from orchestration.errors import ClienteleError
from orchestration.segment_changes import Plan, change_list
from orchestration.segment_contracts import ContractResult, contracts_text, difference
from orchestration.segment_decisions import (
    Decision,
    Experiment,
    catalogue_versions,
    decide_segment,
    known_experiments,
)
from orchestration.segment_files import (
    DECISIONS_SEED,
    SKELETON_MARK,
    Catalogue,
    catalogue_faults,
    read_seed,
)
from orchestration.segment_report import list_segments, list_text, show_text, sparkline
from orchestration.segment_verbs import (
    Wishes,
    merge_segments,
    new_segment,
    rename_segment,
    retire_segment,
    split_segment,
)

TODAY = dt.date(2026, 8, 31)
WISHES = Wishes(owner="crm@example.com", objective="It's tea", goal_kpi="retention_rate")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return copy_files(tmp_path)


def variables(project: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((project / "dbt_project.yml").read_text())["vars"]
    return found


def lineage(project: Path) -> list[list[str]]:
    text = (project / "seeds" / "segment_lineage.csv").read_text(encoding="utf-8")
    return list(csv.reader(io.StringIO(text)))[1:]


def unit_tests(path: Path) -> dict[str, dict[str, Any]]:
    tests = yaml.safe_load(path.read_text(encoding="utf-8"))["unit_tests"]
    return {test["model"]: test for test in tests}


def refused(verb: Any, *arguments: Any, **named: Any) -> str:
    """The sentence of a verb that must change nothing."""
    project = arguments[0].project
    before = snapshot(project)
    with pytest.raises(ClienteleError) as caught:
        verb(*arguments, **named)
    assert snapshot(project) == before
    sentence = caught.value.sentence
    assert "\n" not in sentence
    assert sentence.endswith((".", "?"))
    return sentence


# new ---------------------------------------------------------------------------------------------


def test_new_writes_the_file_a_contract_and_the_line(project: Path) -> None:
    before = snapshot(project)
    said = new_segment(catalogue_of(project), "tea_time", WISHES, today=TODAY)
    folder = "models/segments/custom"
    assert changed(before, snapshot(project)) == {
        f"{folder}/seg_tea_time.sql",
        f"{folder}/_contracts.yml",
        "dbt_project.yml",
    }
    after = catalogue_of(project)
    segment = after.segment("tea_time")
    assert segment.is_on
    assert dict(segment.meta) | {"priority": 0} == {
        "name": "Tea time",
        "owner": "crm@example.com",
        "objective": "It's tea",
        "goal_kpi": "retention_rate",
        "priority": 0,
        "minimum_size": 20,
        "review_by": "2027-02-28",
    }
    priorities = [one.meta["priority"] for one in after.segments]
    assert len(priorities) == len(set(priorities))
    (contract,) = segment.contracts
    assert contract.is_skeleton
    assert catalogue_faults(after) == []
    assert any("segment test tea_time" in line for line in said)
    # Only a line more, where it belongs: comments and order stay.
    old = before["dbt_project.yml"].splitlines()
    new = (project / "dbt_project.yml").read_text().splitlines()
    assert [line for line in new if line != "    - tea_time"] == old


def test_new_without_its_purpose_says_what_is_missing(project: Path) -> None:
    said = new_segment(catalogue_of(project), "tea_time", Wishes(), today=TODAY)
    (line,) = [line for line in said if line.startswith("missing")]
    assert "owner, objective and goal_kpi" in line
    assert all(len(line) <= 100 for line in said)


def test_new_for_accounts_reads_accounts(project: Path) -> None:
    wishes = Wishes(entity="account", family="business/large")
    new_segment(catalogue_of(project), "big_accounts", wishes, today=TODAY)
    segment = catalogue_of(project).segment("big_accounts")
    assert (segment.entity, segment.family) == ("account", "business/large")
    assert segment.reads[0][0] == "account_profiles"
    assert "account_id" in segment.body
    contract = unit_tests(project / "models/segments/business/large/_contracts.yml")
    assert contract["seg_big_accounts"]["given"][0]["input"] == "ref('account_profiles')"


def test_new_from_another_has_its_definition_and_contracts(project: Path) -> None:
    # Its contract shares rows with others of its file by an anchor.
    add_segment(project, "reasoned", "age > 30", sensitive_reason="They asked for it")
    new_segment(catalogue_of(project), "costly", Wishes(), today=TODAY, copied="high_value")
    new_segment(catalogue_of(project), "older", Wishes(), today=TODAY, copied="reasoned")
    after = catalogue_of(project)
    assert after.segment("costly").body == after.segment("high_value").body
    assert after.segment("older").meta["sensitive_reason"] == "They asked for it"
    tests = unit_tests(project / "models/segments/value/_contracts.yml")
    assert tests["seg_costly"] | {"model": ""} == tests["seg_high_value"] | {"model": ""}
    elsewhere = Wishes(family="mine")
    new_segment(after, "faster", elsewhere, today=TODAY, copied="upside")
    moved = unit_tests(project / "models/segments/mine/_contracts.yml")
    assert moved["seg_faster"]["given"] == tests["seg_upside"]["given"]


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("vip", "models/segments/rfm/seg_vip.sql: there is a segment of this key"),
        ("waiting", "there is a segment of this key"),
        ("gone", "gone was retired on 2026-01-01"),
        ("rfm_champions", "the exclusive group rfm"),
        ("loyalty_x", "the exclusive group loyalty"),
        ("it's", "lower-case letters"),
        ('say "no"', "lower-case letters"),
        ("Vip", "lower-case letters"),
        ("two__lines", "single underscores"),
        ("1st", "begins with a letter"),
        ("", "lower-case letters"),
        ("a\nb", "lower-case letters"),
        ("seg_tea", "write tea"),
        ("all", "reserved"),
        ("tea_none", "_none"),
        ("a" * 61, "61 characters"),
        ("a" * 200, "(200 characters)"),
    ],
)
def test_new_refuses_a_key_that_does_not_do(project: Path, key: str, said: str) -> None:
    add_segment(project, "waiting", listed="segments_off")
    with (project / "seeds" / "segment_lineage.csv").open("a") as seed:
        seed.write("gone,retired,,2026-01-01,no use\n")
    sentence = refused(new_segment, catalogue_of(project), key, WISHES, today=TODAY)
    assert said in sentence
    assert len(sentence) < 250


def test_a_key_of_60_characters_does(project: Path) -> None:
    new_segment(catalogue_of(project), "a" * 60, WISHES, today=TODAY)
    assert catalogue_faults(catalogue_of(project)) == []


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        (Wishes(goal_kpi="retention_rat"), "did you mean retention_rate"),
        (Wishes(goal_kpi="happiness"), "is no KPI of segment_kpis"),
        (Wishes(objective="{{ var('x') }}"), "--objective: it holds a brace"),
        (Wishes(owner="a\nb"), "--owner: "),
        (Wishes(family="../elsewhere"), "cannot be the name of a folder"),
        (Wishes(entity="dog"), "dog is no entity"),
    ],
)
def test_new_refuses_a_wish_that_does_not_do(project: Path, wishes: Wishes, said: str) -> None:
    assert said in refused(new_segment, catalogue_of(project), "tea", wishes, today=TODAY)


# retire, rename, merge, split --------------------------------------------------------------------


def test_retire_takes_out_every_mention_and_keeps_the_lineage(project: Path) -> None:
    targets = project / "seeds" / "kpi_targets.csv"
    kept = targets.read_text()
    targets.write_text(kept + 'high_value,month,revenue,1,at_least,"Well, enough"\n')
    before = unit_tests(project / "models/segments/value/_contracts.yml")
    reason = 'It is\nthe "same", more or less'
    said = retire_segment(catalogue_of(project), "high_value", reason=reason, today=TODAY)
    assert "Its members leave at the next refresh; history keeps their stays." in said
    after = catalogue_of(project)
    assert "high_value" not in after.by_key
    assert "high_value" not in variables(project)["segments"]
    assert "high_value" not in variables(project)["priority_lists"]["default"]
    assert targets.read_text() == kept
    assert lineage(project) == [
        ["high_value", "retired", "", "2026-08-31", 'It is the "same", more or less']
    ]
    # Other contracts of the file took rows from the one that went, and still have them.
    del before["seg_high_value"]
    assert unit_tests(project / "models/segments/value/_contracts.yml") == before
    assert catalogue_faults(after) == []
    assert "was retired on 2026-08-31" in refused(
        retire_segment, after, "high_value", reason="again", today=TODAY
    )


def test_the_last_of_a_family_leaves_no_empty_file(project: Path) -> None:
    add_segment(project, "alone", family="lonely", listed="segments_off")
    retire_segment(catalogue_of(project), "alone", reason="no use", today=TODAY)
    assert not (project / "models" / "segments" / "lonely").exists()
    assert variables(project)["segments_off"] == variables(PROJECT)["segments_off"]


@pytest.mark.parametrize(
    ("key", "reason", "said"),
    [
        ("vp", "x", "there is no segment vp; did you mean vip?"),
        ("rfm_champions", "x", "a member of the exclusive group rfm"),
        ("vip", " \n", "without a reason"),
        ("vip", "x", "models/segments/custom/seg_reader.sql:13: vip cannot be retired"),
    ],
)
def test_retire_refuses(project: Path, key: str, reason: str, said: str) -> None:
    body = "select as_of, customer_id\n-- a comment\nfrom {{ ref('seg_vip') }}\n"
    add_segment(project, "reader", body=f"\n{body}")
    sentence = refused(retire_segment, catalogue_of(project), key, reason=reason, today=TODAY)
    assert said in sentence


def test_rename_reaches_every_mention(project: Path) -> None:
    body = "select as_of, customer_id from {{ ref( \"seg_vip\" ) }} -- not ref('seg_vip_2')\n"
    reader = add_segment(project, "reader", body=body)
    targets = project / "seeds" / "kpi_targets.csv"
    targets.write_text(targets.read_text() + "vip,month,revenue,1,at_least,Enough\n")
    before = variables(project)
    old = catalogue_of(project).segment("vip")
    rename_segment(catalogue_of(project), "vip", "very_important", reason="", today=TODAY)
    after = catalogue_of(project)
    new = after.segment("very_important")
    assert new.text == old.text
    assert [contract.name for contract in new.contracts] == [one.name for one in old.contracts]
    assert 'ref( "seg_very_important" )' in reader.read_text()
    assert "seg_vip_2" in reader.read_text()
    place = before["segments"].index("vip")
    assert variables(project)["segments"][place] == "very_important"
    assert variables(project)["priority_lists"]["default"][0] == "very_important"
    assert targets.read_text().endswith("very_important,month,revenue,1,at_least,Enough\n")
    assert lineage(project) == [["vip", "renamed", "very_important", "2026-08-31", ""]]
    assert catalogue_faults(after) == []
    # Nor may the old name come back, by any way.
    assert "was renamed" in refused(new_segment, after, "vip", WISHES, today=TODAY)
    assert "was renamed" in refused(rename_segment, after, "dormant", "vip", reason="", today=TODAY)


def test_merge_writes_the_union_of_both(project: Path) -> None:
    add_segment(project, "waiting", "order_count_30d > 1", listed="segments_off", needs=["orders"])
    said = merge_segments(
        catalogue_of(project), ["waiting", "win_back"], "asleep", reason="one", today=TODAY
    )
    assert any("everyone of waiting and win_back" in line for line in said)
    after = catalogue_of(project)
    merged = after.segment("asleep")
    assert merged.is_on  # one of them was
    assert not merged.is_off
    assert merged.meta["priority"] == 20  # the place of the first among both
    assert merged.meta["needs"] == ["orders"]
    assert merged.contracts[0].is_skeleton
    assert variables(project)["priority_lists"]["default"][1] == "asleep"
    assert [row[:3] for row in lineage(project)] == [
        ["waiting", "merged", "asleep"],
        ["win_back", "merged", "asleep"],
    ]
    assert catalogue_faults(after) == []
    # The SQL is a union: who is in both is in once.
    from orchestration.segment_lint import rendered

    with duckdb.connect() as connection:
        connection.execute(
            "create table customer_profiles as select 1 as as_of, * from (values ('a', 2, 5, 60), "
            "('b', 2, 1, 1), ('c', 0, 5, 120), ('d', 0, 5, 121)) as t(customer_id, "
            "order_count_30d, order_count_lifetime, days_since_last_order)"
        )
        rows = connection.execute(f"{rendered(merged.body)} order by all").fetchall()
    assert rows == [(1, "a"), (1, "b"), (1, "c")]


def test_merge_into_one_that_exists_keeps_it(project: Path) -> None:
    kept = catalogue_of(project).segment("vip").text
    merge_segments(catalogue_of(project), ["dormant", "win_back"], "vip", reason="", today=TODAY)
    after = catalogue_of(project)
    assert after.segment("vip").text == kept
    assert not {"dormant", "win_back"} & after.by_key.keys()
    assert variables(project)["priority_lists"]["default"].count("vip") == 1
    merge_segments(after, ["vip", "upside"], "vip", reason="", today=TODAY)
    assert [row[0] for row in lineage(project)] == ["dormant", "win_back", "upside"]


def test_merge_refuses(project: Path) -> None:
    add_segment(project, "of_accounts", entity="account", listed="segments_off")
    body = "select as_of, customer_id from {{ ref('seg_vip') }}"
    add_segment(project, "on_vip", body=body, listed="segments_off")
    catalogue = catalogue_of(project)

    def said(keys: list[str], into: str = "both") -> str:
        return refused(merge_segments, catalogue, keys, into, reason="", today=TODAY)

    assert "two different segments" in said(["vip", "vip"])
    assert "different entities (account and customer)" in said(["vip", "of_accounts"])
    assert "seg_on_vip.sql: it is built on vip" in said(["vip", "on_vip"])
    assert "seg_on_vip.sql:10: vip cannot be merged" in said(["vip", "dormant"])
    assert "there is no segment nobody" in said(["dormant", "nobody"])
    assert "reserved" in said(["dormant", "upside"], "all")


def test_split_begins_with_the_definition(project: Path) -> None:
    before = catalogue_of(project).segment("regular_buyers")
    parts = ["weekly", "monthly", "upside"]
    split_segment(catalogue_of(project), "regular_buyers", parts, reason="", today=TODAY)
    after = catalogue_of(project)
    assert "regular_buyers" not in after.by_key
    for key in ("weekly", "monthly"):
        segment = after.segment(key)
        assert segment.is_on
        assert before.body in segment.body
        assert segment.contracts[0].is_skeleton
    priorities = [one.meta["priority"] for one in after.segments]
    assert len(priorities) == len(set(priorities))
    assert [row[1:3] for row in lineage(project)] == [["split", part] for part in parts]
    assert catalogue_faults(after) == []
    with pytest.raises(ClienteleError, match="weekly, monthly and upside took its place"):
        after.segment("regular_buyers")


def test_split_refuses(project: Path) -> None:
    catalogue = catalogue_of(project)
    for into in (["weekly"], ["weekly", "weekly"], ["vip", "weekly"]):
        sentence = refused(split_segment, catalogue, "vip", into, reason="", today=TODAY)
        assert "cannot be split into" in sentence


# decide ------------------------------------------------------------------------------------------

CRM = Decision(by="CRM", reason="The test says so")
TRIED = [("default", "thank-you"), ("default", "plain"), ("shop", "plain")]


def versions(_: Catalogue) -> dict[str, str]:
    return {"vip": "v1", "dormant": "v2", "rfm_champions": "v3"}


def never(_: Catalogue) -> dict[str, str]:
    raise AssertionError("dbt was asked about what can be refused without it")


def decide(
    project: Path,
    key: str,
    decision: Decision,
    experiments: list[Experiment] | None = None,
) -> list[str]:
    return decide_segment(
        catalogue_of(project),
        key,
        decision,
        today=TODAY,
        experiments=TRIED if experiments is None else experiments,
        versions=versions,
    )


def test_decide_adds_a_line_whatever_the_reason_holds(project: Path) -> None:
    before = snapshot(project)
    seed = project / DECISIONS_SEED
    reason = 'They said "yes", we; do, at 5 % \u2013 ok'
    said = decide(project, "vip", Decision(by=" CRM, Paris", reason=f" {reason} "))
    assert changed(before, snapshot(project)) == {DECISIONS_SEED.as_posix()}
    assert said[0].endswith("vip, version v1, decided on 2026-08-31 by CRM, Paris")
    assert said[1] == "rests on no experiment"
    assert said[-2].startswith("Next: `clientele refresh`")
    decide(project, "rfm_champions", Decision("CRM", "x", experiment_id="thank-you"))
    with seed.open(encoding="utf-8", newline="") as lines:
        head, *rows = list(csv.reader(lines))
    assert ",".join(head) == before[DECISIONS_SEED.as_posix()].splitlines()[0]
    assert rows == [
        ["vip", "v1", "2026-08-31", "CRM, Paris", "", "", reason],
        ["rfm_champions", "v3", "2026-08-31", "CRM", "default", "thank-you", "x"],
    ]


def test_decide_writes_by_the_names_of_the_columns(project: Path) -> None:
    seed = project / DECISIONS_SEED
    old = (
        "reason,segment_key,definition_version,decided_on,decided_by,note,source_system,"
        'experiment_id\n"on\ntwo lines",vip,v0,2026-01-01,CRM,mine,,'
    )
    seed.write_text(old, encoding="utf-8")
    decide(project, "vip", CRM)
    assert seed.read_text() == f"{old}\nThe test says so,vip,v1,2026-08-31,CRM,,,\n"


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("vpi", "models/segments: there is no segment vpi; did you mean vip?"),
        ("waiting", "seg_waiting.sql: waiting is off, so no refresh observes its definition"),
        ("gone", "gone was retired on 2026-01-01"),
        ("a\nb", "there is no segment a?b"),
    ],
)
def test_decide_refuses_a_key_that_no_refresh_observes(project: Path, key: str, said: str) -> None:
    add_segment(project, "waiting", listed="segments_off")
    with (project / "seeds" / "segment_lineage.csv").open("a") as seed:
        seed.write("gone,retired,,2026-01-01,no use\n")
    asked = {"today": TODAY, "experiments": TRIED, "versions": never}
    assert said in refused(decide_segment, catalogue_of(project), key, CRM, **asked)


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        (Decision("CRM", " "), "--reason: it is empty; say why."),
        (Decision("\t", "x"), "--by: it is empty; name the role or team that decided."),
        (Decision("CRM", "one\ntwo"), "--reason: it holds a line break"),
        (Decision("CRM", "one\u2028two"), "--reason: it holds a line break"),
        (Decision("CRM", "x" * 501), "--reason: it has 501 characters, and 500 are the most"),
        (Decision("C" * 101, "x"), "--by: it has 101 characters, and 100 are the most"),
        (Decision("ann@example.com", "x"), "--by: it holds an e-mail address"),
        (Decision("CRM", "ask ann@example.com"), "--reason: it holds an e-mail address"),
        (Decision("CRM", "x", source_system="shop"), "--source-system: a source system is that"),
        (
            Decision("CRM", "x", "thank-yuo"),
            "the release has no experiment thank-yuo",
        ),
        (Decision("CRM", "x", "thank-yuo"), "did you mean thank-you?"),
        (Decision("CRM", "x", "q"), "experiment_results names them"),
        (Decision("CRM", "x", "plain"), "default and shop each have an experiment plain"),
        (Decision("CRM", "x", "thank-you", "shop"), "thank-you is not of shop; give default."),
    ],
)
def test_decide_refuses_what_cannot_stand_in_the_log(
    project: Path, decision: Decision, said: str
) -> None:
    asked = {"today": TODAY, "experiments": TRIED, "versions": never}
    sentence = refused(decide_segment, catalogue_of(project), "vip", decision, **asked)
    assert said in sentence
    assert "ann@" not in sentence
    assert len(sentence) < 250


def test_a_version_is_decided_on_once(project: Path) -> None:
    decide(project, "vip", Decision("CRM", "x" * 500))
    asked = {"today": TODAY, "experiments": TRIED, "versions": versions}
    sentence = refused(decide_segment, catalogue_of(project), "vip", CRM, **asked)
    assert "version v1 of vip was decided on before, on 2026-08-31" in sentence
    assert "say in a comment above its select what is new" in sentence
    sentence = refused(decide_segment, catalogue_of(project), "rfm_lost", CRM, **asked)
    assert "rfm_lost is in no group that is on" in sentence
    # Another version of the same, and the same version of another, are other decisions.
    asked["versions"] = lambda _: {"vip": "v2", "dormant": "v1"}
    decide_segment(catalogue_of(project), "vip", CRM, **asked)
    decide_segment(catalogue_of(project), "dormant", CRM, **asked)
    assert len(read_seed(project, DECISIONS_SEED)) == 3


def test_an_experiment_has_a_source_system(project: Path) -> None:
    decide(project, "vip", Decision("CRM", "x", "plain", "shop"))
    said = decide(project, "dormant", Decision("CRM", "x", "to-come"), experiments=[])
    assert said[1].startswith("rests on experiment to-come of default, which no release has yet")
    rows = read_seed(project, DECISIONS_SEED)
    assert [row["source_system"] for row in rows] == ["shop", "default"]


def test_a_seed_that_cannot_be_added_to_is_told(project: Path) -> None:
    seed = project / DECISIONS_SEED
    asked = {"today": TODAY, "experiments": TRIED, "versions": versions}
    whole = seed.read_text()
    seed.write_text(whole.replace("reason", "why"))
    sentence = refused(decide_segment, catalogue_of(project), "vip", CRM, **asked)
    assert "it has no column reason; begin it with the line segment_key," in sentence
    seed.write_text(f'{whole}vip,v0,2026-01-01,CRM,,,"never closed\n')
    sentence = refused(decide_segment, catalogue_of(project), "vip", CRM, **asked)
    assert "nothing was changed; see that every quote in it is closed" in sentence


def test_decisions_are_renamed_and_outlive_their_segment(project: Path) -> None:
    decide(project, "vip", CRM)
    decide(project, "dormant", CRM)
    rename_segment(catalogue_of(project), "vip", "very_important", reason="", today=TODAY)
    retire_segment(catalogue_of(project), "dormant", reason="no use", today=TODAY)
    rows = read_seed(project, DECISIONS_SEED)
    assert [row["segment_key"] for row in rows] == ["very_important", "dormant"]


def test_experiments_are_those_of_the_release() -> None:
    assert known_experiments(None) == []
    with duckdb.connect() as connection:
        assert known_experiments(connection) == []
        connection.execute(
            "create table experiment_results as select * from (values "
            "('s', 'e', 'a'), ('s', 'e', 'b'), ('r', 'e', 'a')) as t(source_system, "
            "experiment_id, arm)"
        )
        assert known_experiments(connection) == [("r", "e"), ("s", "e")]


@nightly
def test_the_version_is_that_of_the_catalogue(pipeline: Pipeline) -> None:
    found = catalogue_versions(catalogue_of(PROJECT))
    (node,) = (node for node in pipeline.order if node["name"] == "segment_catalogue")
    with pipeline.seeds() as connection:
        rows = connection.execute(
            f"select segment_key, definition_version from ({node['compiled_code']})"
        ).fetchall()
    assert found == dict(rows)
    assert {"vip", "rfm_champions"} <= found.keys()


# Whole or not at all -----------------------------------------------------------------------------


def test_a_step_that_fails_undoes_the_others(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = segment_changes._put
    calls = []

    def fails_late(file: Path, content: bytes | None) -> None:
        calls.append(file)
        if len(calls) == 4:
            raise PermissionError(13, "Permission denied", str(file))
        put(file, content)

    monkeypatch.setattr(segment_changes, "_put", fails_late)
    sentence = refused(
        merge_segments, catalogue_of(project), ["dormant", "win_back"], "asleep",
        reason="", today=TODAY,
    )  # fmt: skip
    assert "all are as before" in sentence
    assert len(calls) > 4


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("vars:\n  l:\n    - a # first\n    # two\n    - b\n  k: 1\n", ["a", "n"]),
        ("vars:\n  l:\n  - a\n  - b\n  k: 1\n", ["a", "n"]),
        ("vars:\n  l: [a, b] # here\n  k: 1\n", ["a", "n"]),
        ("vars:\n  k: 1\n  l:\n    - a\n    - b", ["a", "n"]),
        ("vars:\n  l:\n    - 'a'\n    - b\n", ["a", "n"]),
    ],
)
def test_a_list_is_edited_however_it_is_written(
    tmp_path: Path, text: str, wanted: list[str]
) -> None:
    (tmp_path / "dbt_project.yml").write_text(text)
    plan = Plan(tmp_path)
    change_list(plan, ("vars", "l"), take={"b": []}, add=["n"])
    document = yaml.safe_load(plan.read(Path("dbt_project.yml")))
    assert document["vars"]["l"] == wanted
    assert document == {"vars": {**yaml.safe_load(text)["vars"], "l": wanted}}
    change_list(plan, ("vars", "l"), take={"a": [], "n": []})
    assert yaml.safe_load(plan.read(Path("dbt_project.yml")))["vars"]["l"] == []
    change_list(plan, ("vars", "l"), add=["x"])
    assert yaml.safe_load(plan.read(Path("dbt_project.yml")))["vars"]["l"] == ["x"]


def test_a_list_that_is_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "dbt_project.yml").write_text("vars:\n  k: 1\n")
    with pytest.raises(ClienteleError, match="there is no such list"):
        change_list(Plan(tmp_path), ("vars", "l"), add=["x"])


# list, show, test --------------------------------------------------------------------------------


@pytest.fixture
def marts() -> duckdb.DuckDBPyConnection:
    """A release of two segments and a group member, with the columns that are read."""
    connection = duckdb.connect()
    connection.execute(
        """
        create table segments as select * from (values
            ('vip', 'VIP', null, 3, 0.3, 'ok', 'crm@example.com', date '2027-06-30', 'v1'),
            ('dormant', 'Dormant', null, 0, 0.0, 'empty', 'o', date '2027-06-30', 'v2'),
            ('once', 'Once', null, 1, 0.1, 'ok', 'o', date '2027-06-30', 'v4'),
            ('rfm_lost', 'Lost', 'rfm', 2, 0.2, 'ok', 'o', date '2027-06-30', 'v3')
        ) as t(segment_key, name, exclusive_group, member_count, share_of_base, status, owner,
            review_by, definition_version);
        create table segment_membership as select * from (values
            ('vip', 'c3'), ('vip', 'c1'), ('vip', 'c2'), ('rfm_lost', 'c1'), ('rfm_lost', 'c9'),
            ('once', 'c7')
        ) as t(segment_key, customer_id);
        create table segment_sizes as select * from (values
            ('vip', timestamp '2026-01-31', 0, 'backfilled'),
            ('vip', timestamp '2026-02-28', 3, 'published')
        ) as t(segment_key, as_of, member_count, basis);
        create table campaigns as select 'spring' as campaign_id, 'vip' as target_segment;
        """
    )
    return connection


def test_list_says_what_is_on_and_how_large(
    project: Path, marts: duckdb.DuckDBPyConnection
) -> None:
    add_segment(project, "waiting", listed="segments_off", owner="x" * 200)
    catalogue = catalogue_of(project)
    listed = {one.key: one for one in list_segments(catalogue, marts, everything=False)}
    assert (listed["vip"].state, listed["vip"].members, listed["vip"].status) == ("on", 3, "ok")
    assert listed["rfm_lost"].state == "group"
    assert listed["upside"].members is None
    assert listed["upside"].status == "not published"
    assert not {"waiting", "once"} & listed.keys()
    everything = list_segments(catalogue, marts, everything=True)
    states = {one.key: one.state for one in everything}
    assert (states["waiting"], states["once"]) == ("off", "gone")
    text = list_text(catalogue, everything, "release r", everything=True)
    assert all(len(line) <= 100 for line in text.splitlines())
    text = list_text(catalogue, list(listed.values()), "release r", everything=False)
    off = len(variables(PROJECT)["segments_off"])
    assert f"{off + 1} more are off" in text


def test_show_says_all_there_is(project: Path, marts: duckdb.DuckDBPyConnection) -> None:
    body = "select as_of, customer_id from {{ ref('seg_vip') }}"
    add_segment(project, "reader", body=body, listed="segments_off")
    text = show_text(catalogue_of(project), "vip", marts, "release r")
    for told in (
        "Segment vip (VIP)",
        "where recency_score = 5",
        "3 members, 30.0% of the base, ok",
        "▁█",
        "2 instants, 2026-01-31 (0) to 2026-02-28 (3)",
        "models/segments/custom/seg_reader.sql:10 reads it",
        "priority list default: place 1 of 10",
        "campaigns aimed at it (campaigns): spring",
        "v1  published",
    ):
        assert told in text
    (row,) = [line.split() for line in text.splitlines() if line.strip().startswith("rfm_lost")]
    assert row == ["rfm_lost", "1", "33%", "50%", "25%"]
    members = text[text.index("Members") :].splitlines()[2:5]
    assert [line.strip() for line in members] == ["c1", "c2", "c3"]
    assert all(len(line) <= 100 for line in text.splitlines())


def test_show_reads_the_published_overlap(project: Path, marts: duckdb.DuckDBPyConnection) -> None:
    marts.execute(
        "create table segment_overlap as select 'rfm_lost' as segment_a, 'vip' as segment_b, "
        "20 as customers_a, 30 as customers_b, 10 as customers_both, 0.25 as jaccard"
    )
    text = show_text(catalogue_of(project), "vip", marts, "release r")
    (row,) = [line.split() for line in text.splitlines() if line.strip().startswith("rfm_lost")]
    assert row[1] == "10"


def test_show_says_why_it_changed(project: Path, marts: duckdb.DuckDBPyConnection) -> None:
    marts.execute(
        "create table segment_definition_changes as select 'vip' as segment_key, * from (values "
        "(timestamp '2026-01-31', 'v1', null, null, null, null, null, null, null),"
        "(timestamp '2026-02-28', 'v2', 'v1', date '2026-02-27', 'CRM', 'Fewer do', 'e', 'b',"
        " 'worse'),"
        "(timestamp '2026-02-28', 'v2', 'v1', date '2026-02-27', 'CRM', 'Fewer do', 'e', 'a',"
        " 'better'),"
        "(timestamp '2026-03-31', 'v3', 'v2', date '2026-04-01', 'CRM', 'Late', 'x', null, null),"
        "(timestamp '2026-04-30', 'v4', 'v3', date '2026-04-30', 'CRM', 'Simple', null, null, null)"
        ") as t(changed_at, definition_version, previous_version, decided_on, decided_by, reason, "
        "experiment_id, arm, verdict)"
    )
    text = show_text(catalogue_of(project), "vip", marts, "release r")
    lines = [line.split(maxsplit=1) for line in text[text.index("Changes") :].splitlines()[1:]]
    assert lines == [
        ["2026-01-31", "v1  began: nobody said why"],
        ["2026-02-28", "v2  changed: Fewer do (CRM, 2026-02-27)"],
        ["experiment", "e: a is better"],
        ["experiment", "e: b is worse"],
        ["2026-03-31", "v3  changed: Late (CRM, 2026-04-01)"],
        ["experiment", "x: not in the release"],
        ["2026-04-30", "v4  changed: Simple (CRM, 2026-04-30)"],
    ]


def test_show_without_a_release_and_of_others(
    project: Path, marts: duckdb.DuckDBPyConnection
) -> None:
    catalogue = catalogue_of(project)
    assert "not published: no release" in show_text(catalogue, "vip", None, "no release")
    member = show_text(catalogue, "rfm_lost", marts, "release r")
    assert "a member of the exclusive group rfm" in member
    assert "rfm_segment as segment_key" in member
    assert "no file of the project any more" in show_text(catalogue, "once", marts, "release r")
    with pytest.raises(ClienteleError, match=r"did you mean vip\?"):
        show_text(catalogue, "vipp", marts, "release r")


def test_a_sparkline_begins_at_nothing() -> None:
    assert sparkline([0, 1, 2, 4, 8]) == "▁▂▃▄█" or sparkline([0, 4, 8])[::2] == "▁█"
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([5]) == "█"
    assert sparkline([]) == ""


def test_the_outcome_of_contracts_is_told_with_the_rows_that_differ(project: Path) -> None:
    new_segment(catalogue_of(project), "tea", WISHES, today=TODAY)
    add_segment(project, "bare", contract=False)
    catalogue = catalogue_of(project)
    vip, tea, bare = (catalogue.segment(key) for key in ("vip", "tea", "bare"))
    message = "\x1b[31m\nactual differs from expected:\n\n@@ ,customer_id\n---,all\n+++,but one\n\n"
    fault = "Compilation Error\n  Invalid column name: 'x'. Accepted: " + ", ".join(
        map(str, range(999))
    )
    assert difference(fault).startswith("Compilation Error Invalid column name: 'x'.")
    assert [len(line) <= 90 for line in difference(fault).splitlines()] == [True] * 4
    text = contracts_text(
        [
            ContractResult(vip, vip.contracts[0], False, difference(message)),
            ContractResult(tea, tea.contracts[0], False, "whatever"),
            ContractResult(bare, None, False),
        ]
    )
    assert "expected, and not in it all" in text
    assert "in it, and not expected but one" in text
    assert f"models/segments/custom/_contracts.yml:{tea.contracts[0].first + 1}" in text
    assert "2 contracts ran: 0 passed, 2 failed; 1 segment without a contract." in text


def test_the_skeleton_says_that_it_is_one(project: Path) -> None:
    new_segment(catalogue_of(project), "tea", WISHES, today=TODAY)
    (test,) = unit_tests(project / "models/segments/custom/_contracts.yml").values()
    assert test["description"].startswith(SKELETON_MARK)
    assert "skeleton" in test["expect"]["rows"][0]["customer_id"]
    assert len(test["given"][0]["rows"]) == 4


@pytest.fixture
def in_two_places(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, str], None]:
    """Runs two verbs, each where a business is; between the places are 25 hours, so that their days
    are never the same."""
    monkeypatch.setattr("orchestration.segment_cli.PROJECT_DIR", project)
    monkeypatch.setenv("CLIENTELE_WAREHOUSE", str(tmp_path / "warehouse"))
    mapping = tmp_path / "mapping.yml"
    monkeypatch.setenv("CLIENTELE_MAPPING", str(mapping))

    def run(further_east: str, further_west: str) -> None:
        places = (("Pacific/Kiritimati", further_east), ("Pacific/Pago_Pago", further_west))
        for zone, verb in places:
            mapping.write_text(f"business_time_zone: {zone}\n", encoding="utf-8")
            assert main(["segment", *verb.split()]) == 0

    return run


@pytest.mark.parametrize(
    ("further_east", "further_west"),
    [
        ("retire dormant --reason tried", "retire win_back --reason tried"),
        ("rename vip best_buyers", "rename upside more_to_win"),
        ("split vip --into vip_one vip_two", "split upside --into upside_one upside_two"),
        ("merge dormant win_back --into silent", "merge vip upside --into loud"),
    ],
)
def test_a_change_is_of_the_day_that_it_is_where_the_business_is(
    project: Path, in_two_places: Callable[[str, str], None], further_east: str, further_west: str
) -> None:
    in_two_places(further_east, further_west)
    changed_on = {row[0]: row[3] for row in lineage(project)}
    assert changed_on[further_east.split()[1]] > changed_on[further_west.split()[1]]


def test_so_is_the_day_that_a_first_review_is_counted_from(
    project: Path,
    in_two_places: Callable[[str, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Some months on, the last two days of a long month are one day.
    monkeypatch.setattr("orchestration.segment_verbs.REVIEW_AFTER_MONTHS", 0)
    said = "--owner crm@example.com --objective More --goal-kpi revenue"
    in_two_places(f"new tea_time {said}", f"new wine_time {said}")
    tea, wine = (
        re.search(r"'review_by': '([0-9-]+)'", path.read_text(encoding="utf-8"))
        for path in (
            project / f"models/segments/custom/seg_{key}.sql" for key in ("tea_time", "wine_time")
        )
    )
    assert tea is not None
    assert wine is not None
    assert tea[1] > wine[1]


def test_so_is_the_day_of_a_decision(
    project: Path,
    in_two_places: Callable[[str, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    defined = {"vip": "v1", "dormant": "v1"}
    monkeypatch.setattr("orchestration.segment_decisions.catalogue_versions", lambda *_: defined)
    in_two_places(
        "decide vip --by CRM --reason tried", "decide dormant --by CRM --reason tried-too"
    )
    decided_on = {
        row["segment_key"]: row["decided_on"] for row in read_seed(project, DECISIONS_SEED)
    }
    assert decided_on["vip"] > decided_on["dormant"]


def test_the_command_line_reads_and_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLIENTELE_WAREHOUSE", str(tmp_path))
    assert main(["segment"]) == 2
    assert "retire" in capsys.readouterr().out
    assert main(["segment", "list"]) == 0
    said = capsys.readouterr().out
    assert "There is no release in" in said
    assert "vip" in said
    assert main(["segment", "show", "vpi"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["segment", "new", "vip"]) == 1
    assert "there is a segment of this key" in capsys.readouterr().err


@nightly
def test_contracts_are_run_also_of_what_is_off(workspace: Workspace) -> None:
    project = workspace.copy_project()
    said = workspace.run("segment", "new", "tea_time", "--owner", "crm@example.com")
    assert "wrote    models/segments/custom/seg_tea_time.sql" in said.stdout
    add_segment(project, "waiting", "order_count_30d > 1", family="off", listed="segments_off")
    add_segment(project, "bare", contract=False, listed="segments_off")
    contracts = project / "models" / "segments" / "off" / "_contracts.yml"
    text = contracts.read_text()
    edges = "{customer_id: one, order_count_30d: 2}, {customer_id: two, order_count_30d: 1}"
    contracts.write_text(text.replace("{customer_id: one}", edges, 1))
    keys = ("waiting", "vip", "tea_time", "bare")
    completed = workspace.run("segment", "test", *keys)
    assert completed.returncode == 1
    lines = completed.stdout.splitlines()
    assert "passed  waiting: waiting_has_its_edges" in lines
    assert "passed  vip: vip_has_the_best_of_all_three_scores" in lines
    assert "FAILED  tea_time: tea_time_has_its_edges" in lines
    assert "NONE    bare" in lines
    assert lines[-1] == "3 contracts ran: 2 passed, 1 failed; 1 segment without a contract."
    assert completed.stderr == ""
    assert not (workspace.warehouse / "work").exists()
