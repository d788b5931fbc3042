"""The command line of segments: `clientele segment <verb>`.

Reads arguments, calls what does the work, and prints what it did. Asks nothing.

Does not belong here: what a verb does (segment_verbs.py, segment_decisions.py, segment_report.py,
segment_contracts.py, segment_lint.py).
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

from orchestration.database import connect
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse import MARTS, Warehouse

if TYPE_CHECKING:
    import duckdb

    from orchestration.segment_files import Catalogue

_FAILED = 1


def add_segment_verbs(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `segment` with its own verbs to those of the command line."""
    segment = verbs.add_parser("segment", help="write, read, test and change segments")
    segment.set_defaults(run=lambda _, __: _help(segment))
    own = segment.add_subparsers(title="verbs", metavar="VERB")

    new = own.add_parser("new", help="write a segment, its contract to fill in, and its line")
    new.add_argument("key", metavar="NAME", help="lower case, such as tea_time")
    new.add_argument("--family", metavar="F", help="folder in models/segments (default custom)")
    new.add_argument("--entity", choices=("customer", "account"), help="who is in it")
    new.add_argument("--from", dest="copied", metavar="OTHER", help="begin with a copy of it")
    _add_metadata(new)
    new.set_defaults(run=_new)

    listed = own.add_parser("list", help="all segments, with their size and status")
    listed.add_argument("--all", action="store_true", help="also those that are off")
    listed.set_defaults(run=_list)

    show = own.add_parser("show", help="one segment: definition, size, overlap, where it is used")
    show.add_argument("key", metavar="KEY")
    show.set_defaults(run=_show)

    test = own.add_parser("test", help="run the contracts of some segments, or of all")
    test.add_argument("keys", metavar="KEY", nargs="*")
    test.set_defaults(run=_test)

    lint = own.add_parser("lint", help="say what is wrong with segments, or deserves a look")
    lint.set_defaults(run=_lint)

    decide = own.add_parser("decide", help="write down why a definition is what it is now")
    decide.add_argument("key", metavar="KEY", help="of a segment, or of a member of a group")
    decide.add_argument("--reason", required=True, help="why, in a sentence; is published")
    decide.add_argument("--by", required=True, metavar="TEAM", help="the role or team, no person")
    decide.add_argument("--experiment", default="", metavar="ID", help="that it rests on")
    decide.add_argument(
        "--source-system", default="", metavar="S", help="of the experiment, where several have it"
    )
    decide.set_defaults(run=_decide)

    retire = own.add_parser("retire", help="take a segment out; history keeps its stays")
    retire.add_argument("key", metavar="KEY")
    retire.add_argument("--reason", required=True, help="why; stands in the lineage")
    retire.set_defaults(run=_retire)

    rename = own.add_parser("rename", help="give a segment another key, everywhere")
    rename.add_argument("old", metavar="OLD")
    rename.add_argument("new", metavar="NEW")
    rename.add_argument("--reason", default="", help="why; stands in the lineage")
    rename.set_defaults(run=_rename)

    merge = own.add_parser("merge", help="make one segment of several")
    merge.add_argument("keys", metavar="KEY", nargs="+", help="two or more segments")
    merge.add_argument("--into", required=True, metavar="C", help="written unless it exists")
    merge.add_argument("--reason", default="", help="why; stands in the lineage")
    merge.add_argument("--family", metavar="F", help="folder of C (default: that of the first)")
    _add_metadata(merge)
    merge.set_defaults(run=_merge)

    split = own.add_parser("split", help="make several segments of one")
    split.add_argument("key", metavar="KEY")
    split.add_argument("--into", required=True, metavar="B", nargs="+", help="two or more keys")
    split.add_argument("--reason", default="", help="why; stands in the lineage")
    split.set_defaults(run=_split)


def _add_metadata(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--owner", help="who answers for it, such as crm@example.com")
    verb.add_argument("--objective", help="what it is for, in one sentence")
    verb.add_argument("--goal-kpi", metavar="KPI", help="the KPI that tells whether it works")


def _help(parser: argparse.ArgumentParser) -> int:
    parser.print_help()
    return 2


def _catalogue(settings: Settings) -> Catalogue:
    from orchestration.segment_files import read_catalogue

    return read_catalogue(PROJECT_DIR, settings.dbt_vars)


@contextlib.contextmanager
def _marts(settings: Settings) -> Iterator[tuple[duckdb.DuckDBPyConnection | None, str]]:
    """The marts of the current release, for reading, and which release that is."""

    warehouse = Warehouse(settings.warehouse)
    release = warehouse.current_release()
    if release is None:
        yield None, f"there is no release in {settings.warehouse} yet (`clientele refresh`)"
        return
    with connect(warehouse.current / MARTS, read_only=True) as connection:
        yield connection, f"release {release.run_id}, as of {release.as_of:%Y-%m-%d}"


def business_day(settings: Settings) -> dt.date:
    """Today where the business is."""
    from orchestration import clock
    from orchestration.contract import load_contract
    from orchestration.mapping import load_mapping

    zone = load_mapping(settings.mapping_path, load_contract()).business_time_zone
    return clock.business_date(dt.datetime.now(dt.UTC).replace(tzinfo=None), zone)


def _say(lines: list[str]) -> int:
    print("\n".join(lines))
    return 0


def _new(arguments: argparse.Namespace, settings: Settings) -> int:
    from orchestration.segment_verbs import Wishes, new_segment

    wishes = Wishes(
        family=arguments.family,
        entity=arguments.entity,
        owner=arguments.owner,
        objective=arguments.objective,
        goal_kpi=arguments.goal_kpi,
    )
    return _say(
        new_segment(
            _catalogue(settings),
            arguments.key,
            wishes,
            today=business_day(settings),
            copied=arguments.copied,
        )
    )


def _decide(arguments: argparse.Namespace, settings: Settings) -> int:
    from orchestration.segment_decisions import (
        Decision,
        catalogue_versions,
        decide_segment,
        known_experiments,
    )

    def versions(catalogue: Catalogue) -> dict[str, str]:
        print("Reading the definitions, which takes dbt half a minute.", flush=True)
        return catalogue_versions(catalogue, settings.dbt_vars)

    with _marts(settings) as (connection, _):
        experiments = known_experiments(connection)
    return _say(
        decide_segment(
            _catalogue(settings),
            arguments.key,
            Decision(
                by=arguments.by,
                reason=arguments.reason,
                experiment_id=arguments.experiment,
                source_system=arguments.source_system,
            ),
            today=business_day(settings),
            experiments=experiments,
            versions=versions,
        )
    )


def _retire(arguments: argparse.Namespace, settings: Settings) -> int:
    from orchestration.segment_verbs import retire_segment

    catalogue = _catalogue(settings)
    return _say(
        retire_segment(
            catalogue, arguments.key, reason=arguments.reason, today=business_day(settings)
        )
    )


def _rename(arguments: argparse.Namespace, settings: Settings) -> int:
    from orchestration.segment_verbs import rename_segment

    return _say(
        rename_segment(
            _catalogue(settings),
            arguments.old,
            arguments.new,
            reason=arguments.reason,
            today=business_day(settings),
        )
    )


def _merge(arguments: argparse.Namespace, settings: Settings) -> int:
    from orchestration.segment_verbs import Wishes, merge_segments

    wishes = Wishes(
        family=arguments.family,
        owner=arguments.owner,
        objective=arguments.objective,
        goal_kpi=arguments.goal_kpi,
    )
    return _say(
        merge_segments(
            _catalogue(settings),
            arguments.keys,
            arguments.into,
            reason=arguments.reason,
            today=business_day(settings),
            wishes=wishes,
        )
    )


def _split(arguments: argparse.Namespace, settings: Settings) -> int:
    from orchestration.segment_verbs import split_segment

    return _say(
        split_segment(
            _catalogue(settings),
            arguments.key,
            arguments.into,
            reason=arguments.reason,
            today=business_day(settings),
        )
    )


def _list(arguments: argparse.Namespace, settings: Settings) -> int:
    from orchestration.segment_report import list_segments, list_text

    catalogue = _catalogue(settings)
    with _marts(settings) as (connection, released):
        listed = list_segments(catalogue, connection, everything=arguments.all)
    print(list_text(catalogue, listed, released, everything=arguments.all))
    return 0


def _show(arguments: argparse.Namespace, settings: Settings) -> int:
    from orchestration.segment_report import show_text

    with _marts(settings) as (connection, released):
        print(show_text(_catalogue(settings), arguments.key, connection, released))
    return 0


def _test(arguments: argparse.Namespace, settings: Settings) -> int:
    from orchestration.segment_contracts import contracts_text, run_contracts

    catalogue = _catalogue(settings)
    count = len(dict.fromkeys(arguments.keys)) or len(catalogue.segments)
    print(
        f"Testing {count} segment{'s' * (count != 1)} in a temporary warehouse; the models they "
        "read are built first.",
        flush=True,
    )
    results = run_contracts(catalogue, arguments.keys, dbt_vars=settings.dbt_vars)
    print(contracts_text(results))
    return 0 if all(result.passed for result in results) else _FAILED


def _lint(_: argparse.Namespace, settings: Settings) -> int:
    from orchestration.segment_lint import lint_files, lint_release, lint_text

    catalogue = _catalogue(settings)
    findings = lint_files(catalogue)
    with _marts(settings) as (connection, released):
        if connection is not None:
            findings += lint_release(catalogue, connection)
    print(lint_text(findings, released))
    return _FAILED if any(finding.severity == "refuse" for finding in findings) else 0
