"""What it costs to know who is in which segment, since when, and with whom, beside snapshots.

1,000,000 made-up customers in 50 segments, of which one membership in a hundred changes from one
day to the next. The project's membership models, from what the segment files yield on, observe the
second day on top of the history of the first. The alternative keeps the whole list of every day and
compares them by `except`, which gives the same entries and exits, counted, and no history.

Also: how much a day adds to what releases keep, beside one whole list, and a replay of month ends
in one pass. Does not belong here: what profiles cost (profiles.py).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import compiled_models
from measuring import (
    COSTS,
    PROJECT,
    costs,
    duckdb_settings,
    in_folder,
    load_line,
    machine,
    run_json,
    table,
    write_results,
)

HERE = Path(__file__).resolve().parent
WANTED = (
    "segment_events",
    "segment_membership",
    "segment_membership_history",
    "segment_sizes",
    "segment_overlap",
    "segment_priorities",
)
_AFTER_MEMBERS = "-- What a customer did before"
FIRST, SECOND = "2026-06-29 23:59:59", "2026-06-30 23:59:59"

# A customer is in a segment by a hash. On another day so many are drawn anew that entries and exits
# together are the asked share of the memberships.
_MEMBERS = """
    (hash(customer_number * 1009 + {number}) % 1000 < {share} * 10)
    <> (
        instant > 0
        and hash(customer_number * 31 + {number} * 7919 + instant * 104729) % 1000000
        < {share} * {percent} * 100
    )
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--segments", type=int, default=50)
    parser.add_argument("--change", type=float, default=1.0, help="percent of memberships a day")
    parser.add_argument("--months", type=int, default=24, help="month ends of the replay")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory-limit", default="3GB", help="of DuckDB, for all")
    return parser


class Measured:
    """The pieces of the benchmark that share a compiled project and a folder."""

    def __init__(self, parsed: argparse.Namespace, folder: Path) -> None:
        self._parsed = parsed
        self._folder = folder
        manifest = compiled_models.compile_project(PROJECT, folder / "compiled")
        observed = manifest["nodes"]["model.clientele.segment_membership_observed"]
        files = [name.rsplit(".", 1)[-1] for name in observed["depends_on"]["nodes"]]
        given = ("segment_catalogue", "customer_id_map", "customers", "known_customers", "accounts")
        segment_files = [name for name in files if name[:4] in {"seg_", "grp_"}]
        order, sources = compiled_models.ancestors(manifest, WANTED, [*given, *segment_files])
        schemas, steps = compiled_models.build_steps(manifest, order, PROJECT)
        self._prepare = [*schemas, *compiled_models.source_statements(manifest, sources)]
        self._steps = [
            {"name": step.name, "sql": self._with_made_up_segments(step)} for step in steps
        ]

    def _keys(self) -> list[str]:
        listed = ["vip", "win_back", "high_value", "upside", "regular_buyers"]
        return (listed + [f"segment_{number:02}" for number in range(self._parsed.segments)])[
            : self._parsed.segments
        ]

    def _with_made_up_segments(self, step: compiled_models.Step) -> str:
        """The union over the segment files, over as many made-up ones; the rest as compiled."""
        if step.name != "segment_membership_observed":
            return step.sql
        head, rest = step.sql.split("members as (", 1)
        _, tail = rest.split(_AFTER_MEMBERS, 1)
        union = " union all ".join(
            f"select as_of, 'seg_{key}' as segment_model, '{key}' as segment_key, "
            f"'customer' as entity, customer_id as member_id from seg_{key}"
            for key in self._keys()
        )
        return f"{head}members as ({union}), {_AFTER_MEMBERS}{tail}"

    def _inputs(self, instants: Sequence[str], basis: str) -> list[str]:
        parsed = self._parsed
        keys = self._keys()
        shares = [1, 2, 5, 10, 20, 40]
        statements = [
            *self._prepare,
            "create table customers_made as select unnest(range(0, "
            f"{parsed.customers})) as customer_number, md5(customer_number::varchar) as id",
            "create table instants (instant bigint, as_of timestamp)",
            *(
                f"insert into instants values ({number}, '{as_of}')"
                for number, as_of in enumerate(instants)
            ),
            "create table main.customers as select id as customer_id, "
            "timestamp '2020-01-01' as first_seen_at from customers_made",
            "create table main.known_customers as select customer_id from main.customers",
            "create table main.accounts (account_id varchar)",
            "create table main.customer_id_map (former_customer_id varchar, customer_id varchar)",
            "insert into run.settings (run_id, as_of) values ('r', '" + instants[-1] + "')",
            "create table main.segment_catalogue as select key as segment_key, "
            "'seg_' || key as segment_model, key as name, number as priority, "
            "'customer' as entity, 'single' as kind, null::varchar as exclusive_group, "
            "'v' as definition_version "
            f"from (select unnest({keys!r}) as key, unnest(range({len(keys)}))::int as number)",
        ]
        for number, key in enumerate(keys):
            condition = _MEMBERS.format(
                number=number, share=shares[number % len(shares)], percent=parsed.change
            )
            statements.append(
                f"create view main.seg_{key} as select as_of, id as customer_id "
                f"from customers_made cross join instants where {condition}"
            )
        statements += [
            f"insert into run.observations select 'seg_' || key, as_of, '{basis}' "
            f"from (select unnest({keys!r}) as key) cross join instants"
        ]
        return statements

    def _request(self, name: str, prepare: Sequence[str], steps: Sequence[Any]) -> dict[str, Any]:
        database = self._folder / f"{name}.duckdb"
        database.unlink(missing_ok=True)
        return {
            "inputs": None,
            "database": str(database),
            "alias": "work",
            "settings": duckdb_settings(self._parsed, self._folder),
            "prepare": list(prepare),
            "steps": list(steps),
            "queries": {
                "events": "select event, count(*) from main.segment_changes "
                f"where is_new and as_of = '{SECOND}' group by event order by event",
                "members": "select count(*) from main.segment_members",
            },
        }

    def _run(self, request: dict[str, Any], what: str) -> dict[str, Any]:
        child = [sys.executable, str(HERE / "run_statements.py")]
        return run_json(child, request, what=what)

    def first_day(self) -> dict[str, Any]:
        """The history that a day starts from; what it adds is kept as a release keeps it."""
        request = self._request("first", self._inputs([FIRST], "published"), self._steps)
        answer = self._run(request, "the first day")
        self._keep("first", FIRST)
        return answer

    def day(self) -> dict[str, Any]:
        """The second day on top of the first; `instant` 1 is a day of changes."""
        prepare = [
            *self._inputs([FIRST, SECOND], "published"),
            f"delete from run.observations where as_of = '{FIRST}'",
            f"insert into state.segment_changes from read_parquet('{self._state('first')}')",
            "insert into state.segment_observations select segment_key, segment_model, "
            f"timestamp '{FIRST}', definition_version, 'published' from main.segment_catalogue",
        ]
        answer = self._run(self._request("day", prepare, self._steps), "the day")
        self._keep("day", SECOND)
        return answer

    def snapshots(self) -> dict[str, Any]:
        """The whole list of both days, compared: the alternative that keeps no history."""
        union = " union all ".join(
            f"select '{key}' as segment_key, customer_id from main.seg_{key} where as_of = "
            for key in self._keys()
        ).split(" union all ")
        lists = {
            name: " union all ".join(f"{part}'{as_of}'" for part in union)
            for name, as_of in (("before", FIRST), ("now", SECOND))
        }
        prepare = [
            *self._inputs([FIRST, SECOND], "published"),
            f"create table main.before as {lists['before']}",
        ]
        steps = [
            {"name": "list", "sql": f"create table main.now as {lists['now']}"},
            {
                "name": "compare",
                "sql": "create table main.changes as "
                "select 'entered' as event, * from (from main.now except from main.before) "
                "union all select 'exited', * from (from main.before except from main.now)",
            },
            {
                "name": "overlap",
                "sql": "create table main.overlap as select one.segment_key as a, "
                "other.segment_key as b, count(*) as both from main.now as one inner join "
                "main.now as other on one.customer_id = other.customer_id and "
                "one.segment_key < other.segment_key group by all",
            },
        ]
        request = self._request("snapshots", prepare, steps)
        request["queries"] = {
            "events": "select event, count(*) from main.changes group by event order by event",
            "members": "select count(*) from main.now",
        }
        answer = self._run(request, "the snapshots")
        path = str(self._folder / "whole.parquet")
        self._copy("snapshots", f"from main.now order by all) to '{path}'")
        return answer

    def replay(self) -> dict[str, Any]:
        """Month ends in one pass."""
        ends = [
            f"{2024 + number // 12}-{number % 12 + 1:02}-28 23:59:59"
            for number in range(self._parsed.months)
        ]
        request = self._request("replay", self._inputs(ends, "restated"), self._steps)
        return self._run(request, "the replay")

    def _state(self, name: str) -> str:
        return str(self._folder / f"{name}.parquet")

    def _keep(self, name: str, as_of: str) -> None:
        self._copy(
            name,
            "select * exclude (is_new) from main.segment_changes "
            f"where is_new and as_of = '{as_of}' order by all) to '{self._state(name)}'",
        )

    def _copy(self, name: str, query_and_target: str) -> None:
        import duckdb

        with duckdb.connect(str(self._folder / f"{name}.duckdb"), read_only=True) as connection:
            connection.execute(f"copy ({query_and_target} (format parquet, compression zstd)")

    def bytes_of(self, name: str) -> int:
        """The size of a Parquet file that a run left."""
        return Path(self._state(name)).stat().st_size


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the status is 0 when both found the same entries and exits."""
    parsed = _parser().parse_args(arguments)
    return in_folder(partial(_benchmark, parsed))


def _benchmark(parsed: argparse.Namespace, folder: Path) -> int:
    before = machine()
    print("compiling the project ...", flush=True)
    measured = Measured(parsed, folder)
    print("the first day ...", flush=True)
    first = measured.first_day()
    days: list[dict[str, Any]] = []
    snapshots: list[dict[str, Any]] = []
    for number in range(parsed.runs):
        print(f"run {number + 1} of {parsed.runs} ...", flush=True)
        days.append(measured.day())
        snapshots.append(measured.snapshots())
    print(f"a replay of {parsed.months} month ends ...", flush=True)
    replay = measured.replay()
    after = machine()

    found = {str((run["queries"]["events"], run["queries"]["members"])) for run in days + snapshots}
    (members,) = days[0]["queries"]["members"][0]
    changed = sum(count for _, count in days[0]["queries"]["events"])
    rows = [
        ["project, a day", *costs(days)],
        ["snapshots, a day", *costs(snapshots)],
        ["project, the first day", *costs([first])],
        [f"project, a replay of {parsed.months} month ends", *costs([replay])],
    ]
    print(
        f"\n{parsed.customers:,} customers, {parsed.segments} segments, {members:,} memberships, "
        f"{changed:,} entries and exits in a day ({changed / members:.1%}); {parsed.runs} runs in "
        "turns\n"
    )
    print(table(["contender", *COSTS], rows))
    whole, day = measured.bytes_of("whole"), measured.bytes_of("day")
    print(
        f"\na year of such days keeps {365 * day / 2**20:,.0f} MiB, {365 * day / whole:.1f} times "
        f"one whole list ({whole / 2**20:,.0f} MiB)"
    )
    print(load_line(before, after))
    steps = sorted(days[0]["steps"].items(), key=lambda item: -item[1])[:6]
    print("dearest of a day: " + ", ".join(f"{name} {s:.1f} s" for name, s in steps))
    path = write_results(
        "segments",
        {
            "machine": [before, after],
            "first": first,
            "days": days,
            "snapshots": snapshots,
            "replay": replay,
            "bytes": {"whole": whole, "day": day},
        },
    )
    print(f"written to {path.relative_to(PROJECT)}")
    if len(found) != 1:
        print("benchmark: the contenders found different entries and exits", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
