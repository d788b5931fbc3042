"""Every segment, on or off, has a contract that would notice if the segment said something else.

The contracts pass under dbt in test_dbt_unit_tests.py. Here each comparison, bound, operator and
literal of each segment is turned around, one at a time, and a contract must fail for it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pycountry
import pytest
import yaml
from contracts import (
    Bench,
    Contract,
    column_types,
    compiled_segments,
    everything_on,
    mutants,
    parse,
    read_contracts,
    segment_files,
)
from pipeline import PROJECT, Pipeline, project_variables

from orchestration.layers import layer_violations
from orchestration.portability import lint_project
from orchestration.segment_docs import EXAMPLES, MEMBERS, PAGE, page, read_rows
from orchestration.segment_files import KPIS_TO_COME

FILES = segment_files()
SEGMENT = {"name", "description", "owner", "objective", "goal_kpi"}
SEGMENT |= {"priority", "minimum_size", "review_by"}
GROUP = {"exclusive_group", "variant", "owner", "review_by"}
OPTIONAL = {
    "sensitive_reason",
    "demographics_reason",
    "frozen",
    "maximum_age_days",
    "entity",
    "needs",
    "examples",
    "defined_by",
    "variables",
}

EXHAUSTIVE = {"grp_lifecycle", "grp_geography"}
"""Groups that nobody is outside of."""

EQUIVALENT: Mapping[str, frozenset[str]] = {}
"""Mutants, by model, that give the same rows whatever the input; each with its reason."""


@pytest.fixture(scope="module")
def everything(pipeline_with: Callable[..., Pipeline]) -> Pipeline:
    return pipeline_with(**everything_on())


@pytest.fixture(scope="module")
def compiled(everything: Pipeline) -> dict[str, str]:
    return compiled_segments(everything)


@pytest.fixture(scope="module")
def bench(everything: Pipeline) -> Bench:
    return Bench(column_types(everything))


@pytest.fixture(scope="module")
def metadata(everything: Pipeline) -> dict[str, dict[str, Any]]:
    """What each file says of itself, by model."""
    found = {}
    for node in everything.order:
        meta = node["config"].get("meta", {})
        said = meta.get("segment") or meta.get("segment_group")
        if said:
            found[node["name"]] = said
    return found


def contracts_of(model: str) -> list[Contract]:
    return [contract for contract in read_contracts() if contract.model == model]


def survivors(bench: Bench, sql: str, contracts: list[Contract]) -> list[str]:
    """What can be turned around in a segment without a contract that fails for it."""
    tree = parse(sql)
    for contract in contracts:
        bench.prepare(contract, tree)
        assert bench.holds(contract, tree.sql(dialect="duckdb")), f"{contract.name} fails"
    found = []
    for mutant in mutants(tree):
        try:
            killed = any(not bench.holds(contract, mutant.sql) for contract in contracts)
        except duckdb.Error:
            killed = True  # a segment that does not run publishes nothing
        if not killed:
            found.append(mutant.change)
    return found


@pytest.mark.parametrize("model", FILES)
def test_a_contract_fails_for_every_segment_that_says_something_else(
    model: str, bench: Bench, compiled: Mapping[str, str]
) -> None:
    contracts = contracts_of(model)
    assert contracts, f"{FILES[model]} has no contract; add one to _contracts.yml beside it"
    found = set(survivors(bench, compiled[model], contracts)) - EQUIVALENT.get(model, frozenset())
    where = FILES[model].relative_to(PROJECT)
    assert not found, f"{where}: no contract notices\n" + "\n".join(
        f"  - {change[:400]}\n    add to {contracts[0].name} a customer whom one of them lets in"
        for change in sorted(found)
    )


PROFILES = {"customer_profiles": {"customer_id": "varchar", "orders": "int", "days": "int"}}
QUERY = """select distinct customer_id
from "work"."main"."customer_profiles"
where orders >= 2 and days between 60 and 120"""


def contract(*customers: tuple[int, int]) -> Contract:
    """Customers with so many orders and days; in are those whom the query means."""
    rows = [
        {"customer_id": f"{orders}|{days}", "orders": orders, "days": days}
        for orders, days in (*customers, customers[0])
    ]
    named = {row["customer_id"]: row for row in rows if row["orders"] >= 2}
    inside = [{"customer_id": key} for key, row in named.items() if 60 <= row["days"] <= 120]
    return Contract("of the test", "seg_test", {"customer_profiles": rows}, inside)


ON_EVERY_EDGE = ((2, 60), (2, 120), (2, 59), (2, 121), (1, 90), (3, 90))


def test_a_contract_on_every_edge_leaves_no_mutant() -> None:
    assert survivors(Bench(PROFILES), QUERY, [contract(*ON_EVERY_EDGE)]) == []
    assert len(list(mutants(parse(QUERY)))) == 13


@pytest.mark.parametrize(
    ("missing", "change"),
    [
        ((2, 59), "60 became 59"),
        ((2, 121), "120 became 121"),
        ((1, 90), "2 became 1"),
    ],
)
def test_a_contract_that_leaves_out_an_edge_is_told_which(
    missing: tuple[int, int], change: str
) -> None:
    weaker = contract(*(customer for customer in ON_EVERY_EDGE if customer != missing))
    found = survivors(Bench(PROFILES), QUERY, [weaker])
    assert found
    assert any(change in mutant for mutant in found)


def test_every_contract_has_somebody_in_and_somebody_out() -> None:
    for model in FILES:
        inside: set[str] = set()
        given: set[str] = set()
        for item in contracts_of(model):
            inside |= {who(row) for row in item.expected} - {"None"}
            rows = [row for rows in item.given.values() for row in rows]
            given |= {who(row) for row in rows} - {"None"}
        assert inside, f"{model}: nobody is in"
        if model not in EXHAUSTIVE:
            assert given - inside, f"{model}: nobody is out"


def who(row: Mapping[str, Any]) -> str:
    return str(row.get("customer_id", row.get("account_id")))


def test_every_file_says_what_the_catalogue_needs(metadata: dict[str, dict[str, Any]]) -> None:
    assert set(metadata) == set(FILES)
    sources = yaml.safe_load((PROJECT / "models/staging/_sources.yml").read_text())["sources"]
    entities = {
        table["name"] for source in sources if source["name"] == "raw" for table in source["tables"]
    }
    for model, said in metadata.items():
        required = SEGMENT if model.startswith("seg_") else GROUP
        assert required <= set(said) <= required | OPTIONAL, model
        assert all(said[entry] not in (None, "") for entry in required), model
        assert said.get("entity", "customer") in {"customer", "account"}, model
        assert set(said.get("needs", ())) <= entities, model
        assert re.fullmatch(r"[a-z]+@clientele\.example", said["owner"]), model
        assert date.fromisoformat(said["review_by"]), model


def test_no_two_segments_share_a_key_a_name_or_a_priority(
    metadata: dict[str, dict[str, Any]],
) -> None:
    rows = {
        (said["name"], int(said["priority"]), model.removeprefix("seg_"))
        for model, said in metadata.items()
        if model.startswith("seg_")
    }
    # A member of several variants of a group is one segment.
    rows |= {
        (f"{row['exclusive_group']}: {row['name']}", int(row["priority"]), segment_key(row))
        for row in read_rows(PROJECT / MEMBERS)
    }
    for place, what in enumerate(("name", "priority", "key")):
        twice = [value for value, n in Counter(row[place] for row in rows).items() if n > 1]
        assert twice == [], f"{what}: {twice}"


def segment_key(row: Mapping[str, str]) -> str:
    return f"{row['exclusive_group']}_{row['member']}"


def test_segments_that_are_off_keep_the_rules_too(everything: Pipeline) -> None:
    """What is switched on years later is not found on that day to read staging, or a clock."""
    assert layer_violations(everything.manifest) == []
    assert lint_project(everything.manifest, PROJECT) == []


def test_every_country_is_in_one_region() -> None:
    regions = read_rows(PROJECT / "seeds/world_regions.csv")
    codes = [row["country_code"] for row in regions]
    # Nobody lives in Antarctica.
    assert sorted([*codes, "AQ"]) == sorted(country.alpha_2 for country in pycountry.countries)


def test_every_goal_is_a_kpi(metadata: dict[str, dict[str, Any]]) -> None:
    text = (PROJECT / "macros/metrics/segment_kpis.sql").read_text(encoding="utf-8")
    computed = set(re.findall(r"'kpi': '(\w+)'", text))
    goals = {said["goal_kpi"] for said in metadata.values() if "goal_kpi" in said}
    goals |= {row["goal_kpi"] for row in read_rows(PROJECT / MEMBERS)}
    assert goals <= computed | KPIS_TO_COME
    assert not computed & KPIS_TO_COME, "a KPI that is computed is no longer to come"


def test_every_file_stands_in_one_list() -> None:
    variables = project_variables()
    listed = [
        f"{prefix}_{name}"
        for prefix, lists in (
            ("seg", ("segments", "segments_off")),
            ("grp", ("segment_groups", "segment_groups_off")),
        )
        for kind in lists
        for name in variables[kind]
    ]
    assert sorted(listed) == sorted(FILES)


def test_the_members_of_a_group_are_those_that_its_file_names(
    metadata: dict[str, dict[str, Any]], everything: Pipeline
) -> None:
    """A member without a row has no name, no owner and no place in the catalogue."""
    connection = everything.seeds()
    texts = connection.execute(
        "select distinct 'engagement_' || engagement_level from reference.engagement_levels union "
        "select distinct 'geography_' || world_region from reference.world_regions"
    ).fetchall()
    named = {text for (text,) in texts} | {"geography_unknown"}
    for model in ("grp_b2b", "grp_value_band", "grp_spending_habit", "grp_loyalty"):
        named |= {row["segment_key"] for item in contracts_of(model) for row in item.expected}
    groups = {key.split("_")[0] for key in named}
    rows = {segment_key(row) for row in read_rows(PROJECT / MEMBERS)}
    assert {key for key in rows if key.split("_")[0] in groups} == named
    assert all(said["variant"] for said in metadata.values() if "variant" in said)


def test_the_page_of_the_catalogue_is_generated(compiled_manifest: dict[str, Any]) -> None:
    written = (PROJECT / PAGE).read_text(encoding="utf-8")
    assert page(compiled_manifest, PROJECT) == written, (
        "run `dbt parse` and `python -m orchestration.segment_docs`"
    )


def test_every_example_has_an_answer(metadata: dict[str, dict[str, Any]]) -> None:
    rows = read_rows(PROJECT / Path(EXAMPLES))
    assert [row["example"] for row in rows] == [f"EX-{number:02d}" for number in range(1, 44)]
    answered = {example for said in metadata.values() for example in said.get("examples", ())}
    assert answered <= {row["example"] for row in rows}
    for row in rows:
        assert row["example"] in answered or row["elsewhere"], row["example"]
