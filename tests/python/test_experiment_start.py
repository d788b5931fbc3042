"""Who is in which arm: drawn by a hash, registered before, landed like any other file, once."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import random
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pipeline import PROJECT
from segment_project import changed, snapshot
from test_ingest import CONTRACT, LOADED_AT, Shop
from test_review import release

from orchestration.cli import main
from orchestration.errors import ClienteleError
from orchestration.experiment_start import (
    ARMS_SEED,
    DESIGNS_SEED,
    Arm,
    Design,
    Landed,
    arm_of,
    parse_arms,
    start_experiment,
)
from orchestration.mapping import load_mapping
from orchestration.warehouse import MARTS

NOW = dt.datetime(2024, 5, 31, 10, 30, tzinfo=dt.UTC)
DESIGN = Design(
    experiment_id="letters",
    segments=("vip", "dormant"),
    arms=(Arm("treatment", Fraction(1)), Arm("holdout", Fraction(1))),
    control="holdout",
    metric="net_revenue",
    window_days=28,
    stop_on=None,
    campaign_id="MAY",
    source_system="",
    reason="Do letters pay?",
)
VIPS = [f"vip{number:03}" for number in range(300)]
DORMANT = [f"dormant{number:03}" for number in range(50)]
BY_MAIL = "dormant000"  # known by an e-mail alone
IN_BOTH = "vip007"
TABLES = (
    "release",
    "segments",
    "segment_membership",
    "customer_profiles",
    "customer_source_records",
    "experiment_results",
)


def _fill(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: Sequence[str],
    rows: Sequence[tuple[str, ...]],
) -> None:
    """All rows in one statement: one by one they take seconds."""
    lists = [list(column) for column in zip(*rows, strict=True)]
    connection.execute(
        f"insert into {table} ({', '.join(columns)})"
        f" select {', '.join('unnest(?)' for _ in columns)}",
        lists,
    )


class Place:
    """A project, a landing folder and a warehouse with one release."""

    def __init__(self, folder: Path, manifest: dict[str, Any], order: int = 0) -> None:
        self.project = folder / "project"
        shutil.copytree(PROJECT / "seeds", self.project / "seeds")
        self.landing = folder / "landing"
        self.landing.mkdir()
        known = [*VIPS, *DORMANT, "stranger"]
        members = [("vip", who) for who in VIPS] + [("dormant", who) for who in DORMANT]
        members.append(("dormant", IN_BOTH))
        random.Random(order).shuffle(known)
        random.Random(order).shuffle(members)
        self.warehouse = release(
            folder / "warehouse",
            manifest,
            {
                "release": [{"run_id": "r", "as_of": dt.datetime(2024, 5, 30)}],
                "segments": [
                    {"segment_key": "vip", "entity": "customer"},
                    {"segment_key": "dormant", "entity": "customer"},
                    {"segment_key": "empty", "entity": "customer"},
                    {"segment_key": "offices", "entity": "account"},
                ],
                "experiment_results": [
                    {"source_system": "shop", "experiment_id": "older", "arm": "treatment"}
                ],
            },
            TABLES,
        )
        records = [(who, system, f"{system}-{who}") for who in known for system in ("shop", "till")]
        with duckdb.connect(str(self.warehouse.current / MARTS)) as marts:
            _fill(marts, "customer_profiles", ["customer_id"], [(who,) for who in known])
            _fill(marts, "segment_membership", ["segment_key", "customer_id"], members)
            _fill(
                marts,
                "customer_source_records",
                ["customer_id", "record_id"],
                [(who, record) for who, _, record in records],
            )
        self.warehouse.work_database.parent.mkdir(parents=True)
        with duckdb.connect(str(self.warehouse.work_database)) as work:
            columns = ["record_id", "record_kind", "source_system", "reference"]
            work.execute(
                f"create table source_records ({', '.join(f'{name} text' for name in columns)})"
            )
            _fill(
                work,
                "source_records",
                columns,
                [
                    (record, "email", system, f"{who}@example.com")
                    if (who, system) == (BY_MAIL, "shop")
                    else (record, "reference", system, f"{system[0].upper()}-{who}")
                    for who, system, record in records
                    # The till knows the first hundred only.
                    if system == "shop" or who in VIPS[:100]
                ],
            )

    def start(self, design: Design = DESIGN, mapping: str = "") -> str:
        """What is said, or the sentence of the refusal."""
        path = self.landing / "mapping.yml"
        if mapping:
            path.write_text(mapping, encoding="utf-8")
        landed = Landed(self.landing, load_mapping(path, CONTRACT))
        try:
            return "\n".join(
                start_experiment(self.project, self.warehouse, landed, design, minimum=100, now=NOW)
            )
        except ClienteleError as error:
            return error.sentence

    def assigned(self, experiment_id: str = "letters") -> list[dict[str, str]]:
        path = self.landing / "experiment_assignments" / f"experiment-{experiment_id}.csv"
        with path.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    def seed(self, path: Path) -> list[dict[str, str]]:
        with (self.project / path).open(encoding="utf-8", newline="") as stream:
            return [row for row in csv.DictReader(stream) if row["experiment_id"] != "thank-you"]


@pytest.fixture
def place(tmp_path: Path, compiled_manifest: dict[str, Any]) -> Place:
    return Place(tmp_path, compiled_manifest)


# The draw ------------------------------------------------------------------------------------


def test_an_arm_follows_from_the_names_alone() -> None:
    # The first 64 bits of SHA-256 of "letters|<customer>", as a share of all there are.
    for customer in ("a", "b", "c", "d", "e", "f"):
        digest = hashlib.sha256(f"letters|{customer}".encode()).hexdigest()
        expected = "treatment" if int(digest[:16], 16) / 2**64 < 0.5 else "holdout"
        assert arm_of("letters", customer, DESIGN.arms) == expected


@given(weights=st.lists(st.integers(1, 1000), min_size=2, max_size=5), customer=st.text())
def test_weights_are_shares_whatever_their_unit(weights: list[int], customer: str) -> None:
    arms = [Arm(f"arm{number}", Fraction(weight)) for number, weight in enumerate(weights)]
    scaled = [replace(arm, weight=arm.weight / 7) for arm in arms]
    drawn = arm_of("x", customer, arms)
    assert drawn in {arm.name for arm in arms}
    assert arm_of("x", customer, scaled) == drawn


def test_arms_are_as_large_as_asked_and_one_experiment_says_nothing_of_another() -> None:
    arms = parse_arms(["treatment=80", "Holdout=20"])
    customers = [f"customer {number}" for number in range(20_000)]
    first = [arm_of("first", customer, arms) for customer in customers]
    second = [arm_of("second", customer, arms) for customer in customers]
    for drawn in (first, second):
        held = drawn.count("holdout")
        # Chi-square of one degree of freedom; chance exceeds 10.83 once in a thousand draws.
        assert (held - 4000) ** 2 / 4000 + (held - 4000) ** 2 / 16000 < 10.83
    both = Counter(zip(first, second, strict=True))
    expected = {"treatment": 0.8, "holdout": 0.2}
    distance = sum(
        (both[one, other] - 20_000 * expected[one] * expected[other]) ** 2
        / (20_000 * expected[one] * expected[other])
        for one in expected
        for other in expected
    )
    assert distance < 16.27  # three degrees of freedom


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        (["a", "a"], "two arms or more, each named once"),
        (["a"], "two arms or more"),
        (["a=0", "b"], "'a=0' is no arm with a share; write it as treatment=80"),
        (["a=-1", "b"], "'a=-1' is no arm"),
        (["a=x", "b"], "'a=x' is no arm"),
        (["a=1/0", "b"], "'a=1/0' is no arm"),
        (["", "b"], "'' is no arm"),
        (["a b", "c"], "'a b' is no arm"),
    ],
)
def test_what_is_no_arm_is_told(texts: list[str], sentence: str) -> None:
    with pytest.raises(ClienteleError) as caught:
        parse_arms(texts)
    assert sentence in caught.value.sentence


# The start -----------------------------------------------------------------------------------


def test_it_is_registered_and_everybody_is_assigned_once(place: Place) -> None:
    said = place.start()
    rows = place.assigned()
    # The shop names the most; one member has no reference there.
    assert len(rows) == 349
    assert "1  left out: no reference of theirs is of that source system" in said
    assert {row["source_system"] for row in rows} == {"shop"}
    assert {row["customer_ref"] for row in rows} == {
        f"S-{who}" for who in [*VIPS, *DORMANT] if who != BY_MAIL
    }
    for row in rows:
        customer = row["customer_ref"].removeprefix("S-")
        assert row["arm"] == arm_of("letters", customer, DESIGN.arms)
        # Of several segments the one that was named first.
        assert row["segment_key"] == ("vip" if customer in VIPS else "dormant")
        assert row["assigned_at"] == "2024-05-31T10:30:00+00:00"
        assert row["campaign_id"] == "MAY"
    for arm, size in Counter(row["arm"] for row in rows).items():
        assert f"{size:10}  {arm}" in said
    assert place.seed(DESIGNS_SEED) == [
        {
            "source_system": "shop",
            "experiment_id": "letters",
            "control_arm": "holdout",
            "metric": "net_revenue",
            "window_days": "28",
            "stop_on": "",
            "reason": "Do letters pay?",
        }
    ]
    # Equal arms want no row.
    assert place.seed(ARMS_SEED) == []


def test_unequal_shares_a_stop_and_another_source_system_are_registered(place: Place) -> None:
    said = place.start(
        replace(
            DESIGN,
            segments=("all",),
            arms=parse_arms(["treatment=2", "other=1", "control=1"]),
            control="control",
            stop_on=dt.date(2024, 6, 30),
            window_days=None,
            source_system="till",
        )
    )
    assert "fewer than 100: there will be no verdict" in said
    assert {row["customer_ref"] for row in place.assigned()} == {f"T-{who}" for who in VIPS[:100]}
    assert {row["segment_key"] for row in place.assigned()} == {""}
    (design,) = place.seed(DESIGNS_SEED)
    assert (design["stop_on"], design["window_days"]) == ("2024-06-30", "")
    assert [(row["arm"], row["expected_share"]) for row in place.seed(ARMS_SEED)] == [
        *(("treatment", "0.5000"), ("other", "0.2500"), ("control", "0.2500"))
    ]


def test_the_order_of_rows_decides_nothing(
    tmp_path: Path, compiled_manifest: dict[str, Any]
) -> None:
    drawn = []
    for order in (1, 2):
        (tmp_path / str(order)).mkdir()
        other = Place(tmp_path / str(order), compiled_manifest, order)
        other.start()
        drawn.append(other.assigned())
    assert drawn[0] == drawn[1]


def test_a_refresh_reads_what_was_assigned(place: Place) -> None:
    place.start()
    shop = Shop(place.landing.parent)
    shop.land("orders/a.csv", "order_id,ordered_at,net_amount\n1,2024-01-01,5\n")
    shop.load()
    assert shop.rejects() == []
    assert shop.query(
        "select count(*), count(distinct customer_ref), min(assigned_at), max(segment_key)"
        " from raw.experiment_assignments where source_system = 'shop' and campaign_id = 'MAY'"
    ) == [(349, 349, NOW.replace(tzinfo=None), "vip")]
    assert LOADED_AT > NOW


REFUSED: Sequence[tuple[dict[str, Any], str]] = (
    ({"experiment_id": "a/b"}, "'a/b' is no name for an experiment; use up to 100 letters"),
    ({"experiment_id": ""}, "'' is no name for an experiment"),
    ({"control": "placebo"}, "--control: no arm is called placebo; give one of treatment, holdout"),
    ({"window_days": 0}, "--window-days: a window of 0 days has none; give 1 or more"),
    ({"stop_on": dt.date(2024, 5, 31)}, "it stops on 2024-05-31, before it has begun"),
    ({"segments": ("vipp",)}, "no segment of customers 'vipp'; did you mean 'vip'?"),
    ({"segments": ("offices",)}, "the release has no segment of customers 'offices'"),
    ({"segments": ("empty",)}, "nobody is in empty; name a segment with customers in it"),
    ({"source_system": "crm"}, "no customer of these segments has a reference of 'crm'; give shop"),
    ({"experiment_id": "older"}, "the release has an experiment older of shop"),
    ({"reason": " "}, "--reason: it is empty; say what it is to find out"),
    ({"reason": "ask jo@example.com"}, "--reason: it holds an e-mail address"),
)


@pytest.mark.parametrize(("changes", "sentence"), REFUSED, ids=[row[1][:40] for row in REFUSED])
def test_what_is_not_possible_is_told_and_changes_nothing(
    place: Place, changes: dict[str, Any], sentence: str
) -> None:
    before = snapshot(place.project)
    assert sentence in place.start(replace(DESIGN, **changes))
    assert snapshot(place.project) == before
    assert list(place.landing.rglob("*")) == []


def test_an_assignment_holds(place: Place) -> None:
    place.start()
    before = snapshot(place.project)
    assigned = place.assigned()
    assert "are assigned already; an assignment holds" in place.start()
    shutil.rmtree(place.landing / "experiment_assignments")
    assert "the experiment letters of shop is registered already" in place.start()
    assert snapshot(place.project) == before
    assert not (place.landing / "experiment_assignments").exists()
    # Whoever draws again under the same name draws the same.
    (place.project / DESIGNS_SEED).write_text(
        (PROJECT / DESIGNS_SEED).read_text(encoding="utf-8"), encoding="utf-8"
    )
    place.start()
    assert place.assigned() == assigned


def test_where_it_cannot_be_written_nothing_is(place: Place) -> None:
    before = snapshot(place.project)
    (place.landing / "experiment_assignments").write_text("in the way", encoding="utf-8")
    assert "all are as before" in place.start()
    assert changed(before, snapshot(place.project)) == set()
    assert [path.name for path in place.landing.rglob("*")] == ["experiment_assignments"]


def test_a_mapping_that_reads_it_otherwise_is_told(place: Place) -> None:
    block = "    files: '{}'\n    columns: {{customer_ref: who}}\n"
    mapping = "entities:\n  experiment_assignments:\n" + block
    said = place.start(mapping=mapping.format("experiment_assignments/*.csv"))
    assert said == (
        "mapping.yml line 3: it reads experiment_assignments/experiment-letters.csv by column "
        "names of its own; let its files be others than experiment_assignments/*.csv."
    )
    assert "assigned" in place.start(mapping=mapping.format("tool/*.csv"))


def test_without_a_work_database_it_says_what_to_do(place: Place) -> None:
    place.warehouse.work_database.unlink()
    said = place.start()
    assert "the customers' references cannot be read; run `clientele refresh`" in said
    (place.warehouse.root / "current").unlink()
    assert "there is no release" in place.start()


def test_the_command_starts_one_and_asks_for_a_control(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLIENTELE_LANDING", str(place.landing))
    monkeypatch.setenv("CLIENTELE_WAREHOUSE", str(place.warehouse.root))
    monkeypatch.setattr("orchestration.cli.PROJECT_DIR", place.project)
    start = ["experiment", "start", "letters", "--segment", "vip", "--reason", "Do letters pay?"]
    assert main([*start, "--arm", "a", "--arm", "b"]) == 1
    assert "no arm is called control or holdout; say which of a, b" in capsys.readouterr().err
    assert main([*start, "--arm", "a=3", "--arm", "b=1", "--control", "B"]) == 0
    said = capsys.readouterr().out
    assert "registered  seeds/experiment_designs.csv: letters, by net_revenue, against b" in said
    assert Counter(row["arm"] for row in place.assigned()).keys() == {"a", "b"}
