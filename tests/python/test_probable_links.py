"""Probable links: off by default, and like any other link where they are on.

What is compared is tested with the models (dbt unit tests); what the links do, through the compiled
identity models; `clientele match`, through whole refreshes.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import Workspace, nightly
from pipeline import PROJECT, Pipeline, State

from orchestration import matching
from orchestration.errors import ClienteleError
from orchestration.matching import DEFAULT_THRESHOLD, Pair, find_pairs
from orchestration.probable_links import (
    MANIFEST_FILE,
    Manifest,
    create_probable_links,
    is_on,
    remove_links,
    write_links,
)
from orchestration.settings import settings_from_environment

DAY = datetime(2026, 3, 1)
MANIFEST = Manifest("2026-03-01T08:00:00+00:00", "run", "splink", "5.0.0", 0.8, 4, 2)


def an_id(name: str, system: str = "shop") -> str:
    return hashlib.md5(f"{system}|{name}".encode()).hexdigest()


def customer(name: str, days_ago: int = 9, **values: Any) -> dict[str, Any]:
    return {
        "source_system": "shop",
        "customer_ref": name,
        "created_at": DAY - timedelta(days=days_ago),
        "_batch_id": "1",
        "_line_number": 1,
        **values,
    }


PAIRS = (Pair(an_id("a"), an_id("b"), 0.99), Pair(an_id("c"), an_id("d"), 0.9))


# What a link does ----------------------------------------------------------------------------


def links(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, str, bool]]:
    rows = connection.execute(
        "select reference, customer_id, link_reason, is_over_merged from customer_links"
    ).fetchall()
    return {row[0]: row[1:] for row in rows}


def test_two_records_become_one_customer_and_the_log_says_so(pipeline: Pipeline) -> None:
    raw = {"customers": [customer("old", 9), customer("young", 5), customer("other", 7)]}
    first = pipeline.run(raw, as_of=DAY, only=["identity_log", "customer_id_map"])
    assert {reason for _, reason, _ in links(first).values()} == {"alone"}
    next_day = DAY + timedelta(days=1)
    identity = first.execute(
        "select record_id, previous_customer_id, customer_id, identity_change, as_of, basis "
        "from identity_changes"
    ).fetchall()
    state = State(identity=identity, as_of=DAY)
    second = pipeline.run(
        raw,
        as_of=next_day,
        state=state,
        probable=[(an_id("old"), an_id("young"))],
        only=["identity_log", "customer_id_map"],
    )
    assert links(second) == {
        "old": (an_id("old"), "first", False),
        "young": (an_id("old"), "probable", False),
        "other": (an_id("other"), "alone", False),
    }
    assert ("merged", an_id("young"), an_id("old"), 1) in second.execute(
        "select identity_change, previous_customer_id, customer_id, record_count from identity_log"
    ).fetchall()
    assert second.execute(
        "select former_customer_id, customer_id from customer_id_map"
    ).fetchall() == [(an_id("young"), an_id("old"))]


def test_an_over_merged_customer_drops_its_probable_links_first(pipeline: Pipeline) -> None:
    """19 records by e-mail, and two more by probable links: 21 are too many, 20 are not."""
    mails = [
        customer(f"r{number:02d}", source_system=f"s{number}", email="x@mill.test")
        for number in range(19)
    ]
    raw = {"customers": [*mails, customer("y"), customer("z")]}
    one = (an_id("r00", "s0"), an_id("y"))
    two = (an_id("y"), an_id("z"))
    whole = links(pipeline.run(raw, as_of=DAY, probable=[one], only="customer_links"))
    assert len({customer_id for customer_id, _, _ in whole.values()}) == 2
    over = links(pipeline.run(raw, as_of=DAY, probable=[one, two], only="customer_links"))
    assert over["y"] == (an_id("y"), "alone", True)
    assert over["z"] == (an_id("z"), "alone", True)
    assert {over[row["customer_ref"]][1:] for row in mails} == {("first", True), ("email", True)}
    assert len({over[row["customer_ref"]][0] for row in mails}) == 1


# The file ------------------------------------------------------------------------------------


def table(warehouse: Path, *, wanted: bool = True, is_first: bool = False) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        connection.execute("create schema run")
        create_probable_links(
            connection, warehouse, wanted=wanted, is_first=is_first, tell=lambda _: None
        )
        return connection.execute("select * from run.probable_links order by all").fetchall()


def test_links_are_read_where_they_are_wanted_and_only_there(tmp_path: Path) -> None:
    write_links(tmp_path / "match", PAIRS, MANIFEST)
    assert table(tmp_path, wanted=False) == []
    found = table(tmp_path)
    assert {record for record, _ in found} == {an_id(name) for name in "abcd"}
    assert len({link for _, link in found}) == 2
    assert remove_links(tmp_path)
    assert not remove_links(tmp_path)
    assert table(tmp_path, wanted=False) == []


def test_the_files_hold_hashes_and_nothing_else(tmp_path: Path) -> None:
    write_links(tmp_path, PAIRS, MANIFEST)
    assert {path.name for path in tmp_path.iterdir()} == {"links.parquet", MANIFEST_FILE}
    assert json.loads((tmp_path / MANIFEST_FILE).read_text()) == asdict(MANIFEST)


def test_before_the_first_release_there_is_nothing_to_read(tmp_path: Path) -> None:
    assert table(tmp_path, is_first=True) == []
    with pytest.raises(ClienteleError, match="there are no probable links; run `clientele match`"):
        table(tmp_path)


def _manifest(folder: Path, **values: Any) -> None:
    path = folder / MANIFEST_FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}), encoding="utf-8")


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (lambda folder: _manifest(folder, pairs=3), "not those of their manifest"),
        (lambda folder: _manifest(folder, manifest_version=0), "another version of Clientele"),
        (lambda folder: _manifest(folder, colour="red"), "is not whole"),
        (lambda folder: (folder / MANIFEST_FILE).write_text("{"), "cannot be read"),
        (lambda folder: (folder / MANIFEST_FILE).unlink(), "there are no probable links"),
        (lambda folder: (folder / "links.parquet").unlink(), "cannot be read"),
        (lambda folder: (folder / "links.parquet").write_text("a,b"), "cannot be read"),
        (
            lambda folder: duckdb.sql("select 1 as a").write_parquet(str(folder / "links.parquet")),
            "cannot be read",
        ),
        (
            lambda folder: write_links(folder, [Pair("ann@mill.test", an_id("b"), 1)], MANIFEST),
            "do not name two records",
        ),
    ],
)
def test_a_file_that_is_not_whole_is_told(tmp_path: Path, fault: Any, sentence: str) -> None:
    write_links(tmp_path / "match", PAIRS, MANIFEST)
    fault(tmp_path / "match")
    with pytest.raises(ClienteleError, match=sentence) as told:
        table(tmp_path)
    assert "run `clientele match`, or set the variable probable_links to false" in str(told.value)
    assert "ann@mill.test" not in str(told.value)


def test_the_switch_is_off_and_is_true_or_false() -> None:
    assert is_on(settings_from_environment({})) is False
    assert is_on(settings_from_environment({"CLIENTELE_VARS": "{probable_links: true}"}))
    with pytest.raises(ClienteleError, match="neither true nor false"):
        is_on(settings_from_environment({"CLIENTELE_VARS": "{probable_links: 'yes'}"}))


# Comparing -----------------------------------------------------------------------------------

FIRST = ["ada", "bea", "cor", "dirk", "emma", "finn", "greta", "hugo", "ida", "jan", "kate", "luc"]
FIRST += ["mina", "nils", "olga", "piet", "rosa"]
LAST = ["bakker", "cohen", "dekker", "evers", "fokker", "groen", "hansen", "ivens", "jonker"]
LAST += ["kuiper", "lammers", "mulder"]
TOWNS = ["delft", "gouda", "leiden", "breda", "zwolle", "emmen", "assen"]


def people(count: int) -> list[dict[str, Any]]:
    """Each person twice: first as they are; then in turn by another e-mail, with a wrong letter,
    or with names the wrong way round. Every third shares the e-mail."""
    chance = random.Random(7)
    rows = []
    for number in range(count):
        first, last = chance.choice(FIRST), chance.choice(LAST) + chance.choice("abcdefgh")
        row = {
            "customer_ref": f"{number}-a",
            "first_name": first,
            "last_name": last,
            "birth_date": date(1950, 1, 1) + timedelta(days=chance.randrange(20000)),
            "city": chance.choice(TOWNS),
            "email": f"{first}.{last}{number}@mill.test",
        }
        other = {**row, "customer_ref": f"{number}-b"}
        if number % 3:
            other["email"] = f"{last}{number}@home.test"
        if number % 3 == 1:
            other["last_name"] = last[:2] + "x" + last[2:]
        if number % 3 == 2:
            other |= {"first_name": last, "last_name": first}
        rows += [row, other]
    return rows


def find(rows: Sequence[dict[str, Any]], threshold: float = DEFAULT_THRESHOLD) -> list[Pair]:
    with duckdb.connect() as connection:
        connection.execute(
            "create table records (record_id varchar, first_name varchar, last_name varchar, "
            "birth_date date, city varchar, email varchar, phone varchar)"
        )
        for each in [
            [row[name] for name in ("customer_ref", "first_name", "last_name", "birth_date")]
            + [row["city"], row["email"]]
            for row in rows
        ]:
            connection.execute("insert into records values (?, ?, ?, ?, ?, ?, null)", each)
        return find_pairs(connection, "records", threshold)


def splink() -> None:
    pytest.importorskip("splink", reason="SPLINK ABSENT: install the extra `match` to check it")


def test_people_are_found_who_share_no_identifier_and_the_order_of_rows_is_nothing() -> None:
    splink()
    rows = people(300)
    found = find(rows)
    wanted = {(f"{number}-a", f"{number}-b") for number in range(300) if number % 3}
    pairs = {(pair.record_id, pair.other_record_id) for pair in found}
    assert len(pairs & wanted) >= 0.95 * len(wanted)
    assert len(pairs - wanted) <= 0.01 * len(wanted)
    assert not any(int(left.split("-")[0]) % 3 == 0 for left, _ in pairs & wanted)
    again = find(list(reversed(rows)))
    assert {(pair.record_id, pair.other_record_id) for pair in again} == pairs


def test_too_few_people_to_learn_from_are_told() -> None:
    splink()
    with pytest.raises(ClienteleError, match="too few customer records resemble one another"):
        find(people(5))


def test_without_splink_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(_: str) -> str:
        raise matching.metadata.PackageNotFoundError

    monkeypatch.setattr(matching.metadata, "version", absent)
    with pytest.raises(ClienteleError, match=r"Splink, which is not installed; .*\[match\]"):
        find([])


@nightly
def test_labelled_people_are_found_as_well_as_is_aimed_at(real_data: Path) -> None:
    splink()
    completed = subprocess.run(
        [sys.executable, str(PROJECT / "benchmarks" / "people.py"), "--data", str(real_data)],
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stdout[-3000:] + completed.stderr[-3000:]
    assert "2,031 pairs of records are of one person" in completed.stdout


# The whole way -------------------------------------------------------------------------------


@nightly
def test_matching_changes_nothing_until_a_refresh_may_read_it(workspace: Workspace) -> None:
    splink()
    rows = people(120)
    header = "customer_ref,first_name,last_name,birth_date,city,email,created_at\n"
    body = "".join(
        ",".join(str(row[name]) for name in header.strip().split(",") if name != "created_at")
        + ",2026-01-05T09:00:00Z\n"
        for row in rows
    )
    workspace.write("customers/one.csv", header + body)
    # Others who order, so that those who become one are not a fault of volume.
    orders = "".join(f"o{number},guest{number},2026-02-01,10\n" for number in range(800))
    workspace.write("orders/one.csv", "order_id,customer_ref,ordered_at,net_amount\n" + orders)
    told = workspace.run("match")
    assert told.returncode == 1
    assert "run `clientele refresh` first" in told.stderr
    workspace.refresh()
    assert workspace.query("select count(distinct customer_id) from customer_source_records") == [
        (1000,)
    ]
    done = workspace.run("match")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mill.test" not in done.stdout
    assert "customers would become" in done.stdout
    assert "until the variable probable_links is true" in done.stdout
    before = workspace.table("customer_source_records")
    workspace.refresh()
    assert workspace.table("customer_source_records") == before
    # A day later, for the log has what changed since the as_of before.
    workspace.write(
        "orders/two.csv", "order_id,customer_ref,ordered_at,net_amount\nx,0-a,2026-02-02,9\n"
    )
    on = {"CLIENTELE_VARS": "{probable_links: true}"}
    workspace.refresh(**on)
    ((customers,),) = workspace.query(
        "select count(distinct customer_id) from customer_source_records"
    )
    assert 920 <= customers <= 924
    assert workspace.query(
        "select count(*) from record_links where identifier_kind = 'probable'"
    ) == [(1000 - customers,)]
    assert workspace.query(
        "select count(*), sum(record_count) from identity_log where identity_change = 'merged'"
    ) == [(1000 - customers, 1000 - customers)]
    assert workspace.run("match", "--remove").returncode == 0
    assert "there are no probable links" in workspace.refused(**on)


@pytest.mark.parametrize("threshold", ["0.4", "1", "nan"])
def test_a_threshold_is_a_probability_above_chance(workspace: Workspace, threshold: str) -> None:
    splink()
    told = workspace.run("match", "--threshold", threshold)
    assert told.returncode == 1
    assert "is no threshold of a link" in told.stderr
