"""The command line: `clientele <verb>`.

Reads arguments, runs a verb, prints what it did and where to look; a fault ends with one sentence
on standard error and a status that is not zero. Does not belong here: what a verb does beyond that.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import logging
import os
import shutil
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchestration import __version__, progress
from orchestration.clock import EVERY
from orchestration.contract import load_contract
from orchestration.errors import ClienteleError
from orchestration.mapping import load_mapping
from orchestration.segment_cli import add_segment_verbs, business_day
from orchestration.settings import PROJECT_DIR, Settings, settings_from_environment
from orchestration.warehouse import MARTS, Warehouse

EXIT_FAULT = 1
EXIT_USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb; the status is 0 when it did what it was asked."""
    parser = _parser()
    parsed = parser.parse_args(arguments)
    if not hasattr(parsed, "run"):
        parser.print_help()
        return EXIT_USAGE
    try:
        result: int = parsed.run(parsed, settings_from_environment())
        sys.stdout.flush()
        return result
    except ClienteleError as error:
        print(f"clientele: {error.sentence}", file=sys.stderr)
        return EXIT_FAULT
    except BrokenPipeError:
        # Whoever read it, such as `head`, has seen enough. Python flushes once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAULT
    except KeyboardInterrupt:
        print("clientele: interrupted; the current release is unchanged.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="clientele",
        description="Customer segmentation as gated releases.",
        epilog="Folders come from CLIENTELE_LANDING (landing) and CLIENTELE_WAREHOUSE (warehouse).",
    )
    parser.add_argument("--version", action="version", version=f"clientele {__version__}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB")

    refresh = verbs.add_parser("refresh", help="land, build, audit and publish")
    refresh.add_argument(
        "--as-of",
        metavar="WHEN",
        help="ISO date or timestamp; default: the end of the data's last day",
    )
    _add_accept(refresh)
    refresh.set_defaults(run=_refresh)

    retract = verbs.add_parser(
        "retract", help="take a wrong file's rows out again, in a gated refresh"
    )
    retract.add_argument("file", metavar="FILE", help="its path below the landing folder")
    retract.add_argument("--reason", default="", help="why; stands in source_files")
    _add_accept(retract)
    retract.set_defaults(run=_retract)

    quarantine = verbs.add_parser(
        "quarantine", help="the rows that were refused, and why; or read a file again"
    )
    quarantine.add_argument("--entity", help="only of this entity")
    quarantine.add_argument("--file", metavar="FILE", help="only of this file")
    quarantine.add_argument("--limit", type=int, default=20, help="rows shown (default 20)")
    quarantine.add_argument(
        "--retry",
        metavar="FILE",
        help="read this file again under the present mapping, in a gated refresh",
    )
    _add_accept(quarantine)
    quarantine.set_defaults(run=_quarantine)

    check = verbs.add_parser(
        "check-mapping", help="say what would be loaded from the landing folder; loads nothing"
    )
    check.add_argument(
        "--show-values", action="store_true", help="show personal values in the examples"
    )
    check.set_defaults(run=_check_mapping)

    propose = verbs.add_parser(
        "map", help="propose a mapping for an export, by its headers and values"
    )
    propose.add_argument("file", type=Path, metavar="FILE", help="wherever it lies")
    propose.add_argument("--entity", help="what its rows are (default: told by the headers)")
    propose.set_defaults(run=_map)

    match = verbs.add_parser(
        "match", help="find customer records that are probably one person (an optional extra)"
    )
    match.add_argument(
        "--threshold",
        type=float,
        metavar="PROBABILITY",
        help="least probability of a link (default 0.8)",
    )
    match.add_argument("--remove", action="store_true", help="take the links away again")
    match.set_defaults(run=_match)

    demo = verbs.add_parser(
        "demo", help="write an invented business of any size into a landing folder"
    )
    demo.add_argument(
        "--folder", type=Path, help="the folder to create (default: the landing folder)"
    )
    demo.add_argument("--customers", type=int, default=5000, help="how many (default 5000)")
    demo.add_argument("--start", type=_day, default="2024-01-01", help="first day (2024-01-01)")
    demo.add_argument("--end", type=_day, default="2025-12-31", help="last day (2025-12-31)")
    demo.add_argument("--seed", type=int, default=20260101, help="another seed, another business")
    demo.add_argument(
        "--tracked",
        type=int,
        default=35,
        metavar="PERCENT",
        help="of 100 web orders, how many leave their clicks (default 35)",
    )
    demo.add_argument("--parquet", action="store_true", help="Parquet instead of CSV")
    demo.add_argument(
        "--bad-rows", action="store_true", help="add rows of every kind that must be refused"
    )
    demo.add_argument("--truth", type=Path, metavar="FILE", help="write what was planted, as JSON")
    demo.set_defaults(run=_demo)

    again = verbs.add_parser("replay", help="earlier days once more, beside the published history")
    again.add_argument("--from", dest="first", type=_day, required=True, metavar="DAY")
    again.add_argument("--to", dest="last", type=_day, required=True, metavar="DAY")
    again.add_argument("--every", choices=EVERY, default="day", help="step (default day)")
    again.add_argument(
        "--as-known",
        action="store_true",
        help="what the release of each day had; default: as occurred, over all facts known today",
    )
    again.set_defaults(run=_replay)

    status = verbs.add_parser("status", help="what is published, and what the last refresh said")
    status.set_defaults(run=_status)

    customer = verbs.add_parser("customer", help="one customer's whole story, by its id")
    customer.add_argument(
        "customer_id",
        metavar="ID",
        help="a customer id, a former one, or the first 6 characters or more",
    )
    customer.add_argument("--json", action="store_true", help="as JSON, for a program")
    customer.set_defaults(run=_customer)

    review = verbs.add_parser(
        "review", help="what to adjust, merge, split or retire: a page of the current release"
    )
    review.set_defaults(run=_review)
    kinds = review.add_subparsers(metavar="annual | sign-off")
    annual = kinds.add_parser("annual", help="whether segments serve the goals of the business")
    annual.add_argument("year", nargs="?", type=int, help="default: the last that has closed")
    annual.set_defaults(run=_annual_review)
    sign_off = kinds.add_parser("sign-off", help="write down that the review of a year was read")
    sign_off.add_argument("year", type=int)
    sign_off.add_argument("--by", required=True, metavar="TEAM", help="the role or team, no person")
    sign_off.add_argument("--decision", required=True, choices=("keep", "adjust"))
    sign_off.add_argument("--note", default="", help="what was found and decided; is published")
    sign_off.set_defaults(run=_sign_off)

    add_segment_verbs(verbs)

    experiment = verbs.add_parser("experiment", help="try something on some, and hold others out")
    start = experiment.add_subparsers(required=True, metavar="start").add_parser(
        "start", help="register an experiment and draw who is in which arm"
    )
    start.add_argument("experiment_id", metavar="ID")
    start.add_argument(
        "--segment",
        action="append",
        required=True,
        metavar="KEY",
        help="whose members take part; all is everyone (may be given several times)",
    )
    start.add_argument(
        "--arm",
        action="append",
        metavar="NAME[=SHARE]",
        help="an arm, such as treatment=80; default: treatment and holdout, half each",
    )
    start.add_argument(
        "--control", metavar="ARM", help="default: the arm called control or holdout"
    )
    start.add_argument(
        "--metric",
        choices=("net_revenue", "order_count", "conversion", "order_amount"),
        default="net_revenue",
        help="that decides; others are hints (default net_revenue)",
    )
    start.add_argument("--window-days", type=int, metavar="N", help="of a customer; default: vars")
    start.add_argument("--stop-on", type=_day, metavar="DATE", help="last day that counts")
    start.add_argument("--campaign", default="", metavar="ID", help="that the arms are sent")
    start.add_argument(
        "--source-system",
        default="",
        metavar="S",
        help="whose references name the customers; default: the one that names the most",
    )
    start.add_argument("--reason", required=True, help="what it is to find out")
    start.set_defaults(run=_start_experiment)

    rollback = verbs.add_parser("rollback", help="make an earlier release the current one")
    rollback.add_argument("run_id", nargs="?", help="release to return to; default: the one before")
    rollback.set_defaults(run=_rollback)

    dev = verbs.add_parser("dev", help="the Dagster web server and daemon")
    dev.add_argument("--port", default="3000", help="port on 127.0.0.1 (default 3000)")
    dev.set_defaults(run=_dev)
    return parser


def _add_accept(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--accept",
        metavar="CHECK",
        action="append",
        default=[],
        help="let this check fail once; recorded in the release (may be given several times)",
    )


def _tell(text: str) -> None:
    # Not sys.stdout: while the job runs, that is its log.
    print(f"  {text}", flush=True, file=sys.__stdout__)


def _refresh(arguments: argparse.Namespace, settings: Settings) -> int:
    if arguments.as_of:
        settings = replace(settings, as_of=arguments.as_of)
    return _publish(settings, accept=arguments.accept)


def _retract(arguments: argparse.Namespace, settings: Settings) -> int:
    return _publish(
        settings, accept=arguments.accept, retract=[arguments.file], reason=arguments.reason
    )


def _quarantine(arguments: argparse.Namespace, settings: Settings) -> int:
    if arguments.retry:
        return _publish(settings, accept=arguments.accept, retry=[arguments.retry])
    from orchestration.quarantine import quarantine_report

    print(
        quarantine_report(
            Warehouse(settings.warehouse),
            load_contract(),
            entity=arguments.entity,
            file=arguments.file,
            limit=arguments.limit,
        )
    )
    return 0


def _check_mapping(arguments: argparse.Namespace, settings: Settings) -> int:
    from orchestration.mapping_check import mapping_report

    contract = load_contract()
    mapping = load_mapping(settings.mapping_path, contract)
    print(f"Clientele {__version__}: reading {settings.landing}", flush=True)
    print(
        mapping_report(
            settings, contract, mapping, show_values=arguments.show_values, progress=_tell
        )
    )
    return 0


def _match(arguments: argparse.Namespace, settings: Settings) -> int:
    from orchestration.matching import DEFAULT_THRESHOLD
    from orchestration.probable_links import match, remove_links

    with Warehouse(settings.warehouse).lock():
        if arguments.remove:
            there = remove_links(settings.warehouse)
            print("The probable links are gone." if there else "There were no probable links.")
            print("The next refresh splits what they alone held together.")
            return 0
        print(f"Clientele {__version__}: matching in {settings.warehouse}", flush=True)
        threshold = DEFAULT_THRESHOLD if arguments.threshold is None else arguments.threshold
        print(match(settings, threshold=threshold, tell=_tell))
    return 0


def _replay(arguments: argparse.Namespace, settings: Settings) -> int:
    from orchestration.dbt_project import prepare_manifest
    from orchestration.replay import AS_KNOWN, AS_OCCURRED, Request, replay, replay_summary

    started = time.monotonic()
    request = Request(
        arguments.first,
        arguments.last,
        arguments.every,
        AS_KNOWN if arguments.as_known else AS_OCCURRED,
    )
    print(f"Clientele {__version__}: replaying in {settings.warehouse}", flush=True)
    replayed = replay(settings, request, manifest_path=prepare_manifest(settings), progress=_tell)
    print(replay_summary(replayed, request))
    print(f"Took {time.monotonic() - started:.1f} s.")
    return 0


def _publish(settings: Settings, **asked: Any) -> int:
    """One gated refresh, and its summary.

    Args:
        settings: of the warehouse.
        asked: of `definitions.run_config`, but for as_of.
    """
    started = time.monotonic()
    warehouse = Warehouse(settings.warehouse)
    print(f"Clientele {__version__}: refreshing {settings.warehouse}", flush=True)
    progress.listeners.append(_tell)
    try:
        if not settings.landing.exists() and warehouse.current_release() is None:
            _write_demo(settings.landing)
        with warehouse.lock():
            # Told before anything slow is imported: the fault that a person can mend in a second.
            load_mapping(settings.mapping_path, load_contract())
            _run_job(settings, asked)
    finally:
        progress.listeners.remove(_tell)
    release = warehouse.current_release()
    assert release is not None, "a refresh that succeeded has a release"
    from orchestration.summary import release_summary

    print(release_summary(warehouse.current, release))
    print(f"Took {time.monotonic() - started:.1f} s.")
    return 0


def _write_demo(landing: Path) -> None:
    from orchestration.demo import write_demo

    rows = write_demo(landing).rows
    _tell(
        f"demo: there was no landing folder, so a coffee roaster was written to {landing} "
        f"({rows['customers']:,} customers, {rows['orders']:,} orders)"
    )


def _map(parsed: argparse.Namespace, settings: Settings) -> int:
    from orchestration.mapping_proposal import propose_mapping

    path = parsed.file if parsed.file.exists() else settings.landing / parsed.file
    proposal = propose_mapping(
        path if path.exists() else parsed.file,
        load_contract(),
        landing=settings.landing,
        entity=parsed.entity,
    )
    print(proposal.text, end="")
    print(
        f"{proposal.mapped} of {proposal.headers} columns were mapped to {proposal.entity};"
        f" {proposal.questions} lines begin with '# ?' and are yours to answer.\n"
        f"Next: save this as {settings.mapping_path} (or add it there), then"
        " `clientele check-mapping`.",
        file=sys.stderr,
    )
    return 0


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day such as 2025-12-31") from error


def _demo(parsed: argparse.Namespace, settings: Settings) -> int:
    from orchestration.demo import write_demo

    folder = parsed.folder or settings.landing
    started = time.monotonic()
    demo = write_demo(
        folder,
        customers=parsed.customers,
        seed=parsed.seed,
        start=parsed.start,
        end=parsed.end,
        parquet=parsed.parquet,
        tracked_percent=parsed.tracked,
        bad_rows=parsed.bad_rows,
        progress=_tell,
    )
    if parsed.truth is not None:
        try:
            parsed.truth.write_text(demo.truth.to_json(), encoding="utf-8")
        except OSError as error:
            raise ClienteleError(
                f"what was planted cannot be written ({error.strerror}); the demo itself is whole",
                where=str(parsed.truth),
                remedy="choose a file that may be written to, and another --folder",
            ) from error
    for entity, rows in demo.rows.items():
        print(f"  {entity:<24}{rows:>12,}")
    towns = f", {demo.towns:,} times the same town" if demo.towns > 1 else ""
    print(
        f"{sum(demo.rows.values()):,} rows in {demo.files:,} files stand in {folder}{towns}."
        f" Took {time.monotonic() - started:.1f} s."
    )
    if demo.truth.bad_rows:
        print(f"{len(demo.truth.bad_rows)} rows of them must be refused; --truth names them.")
    if parsed.truth is not None:
        print(f"What was planted stands in {parsed.truth}.")
    other = "" if parsed.folder is None else f"CLIENTELE_LANDING={folder} CLIENTELE_WAREHOUSE=... "
    print(f"Next: `{other}clientele refresh`.")
    return 0


def _run_job(settings: Settings, asked: dict[str, Any]) -> None:
    """Run the Dagster job in this process; raise the sentence of the step that failed."""
    prepare_dagster_home(settings)
    _quiet()
    from orchestration.dbt_project import prepare_manifest
    from orchestration.dbt_worker import DbtWorker

    prepare_manifest(settings)
    # Before Dagster is imported: dbt loads on the other core meanwhile.
    worker = DbtWorker(settings)
    from orchestration.assets import Workers
    from orchestration.definitions import JOB, build_definitions, run_config
    from orchestration.run_storage import open_instance

    workers = Workers(worker)
    try:
        job = build_definitions(settings, workers).get_job_def(JOB)
        with _output_to_log(settings), open_instance() as instance:
            _end_dead_runs(instance)
            result = job.execute_in_process(
                instance=instance,
                raise_on_error=False,
                run_config={
                    **run_config(as_of=settings.as_of or "", **asked),
                    "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
                },
            )
    finally:
        workers.close()
    if not result.success:
        raise ClienteleError(_failure(result), remedy=_unchanged(settings))


@contextlib.contextmanager
def _output_to_log(settings: Settings) -> Iterator[None]:
    """Send what libraries print into the log of this refresh; the terminal is for what we say."""
    path = settings.warehouse / "logs" / "refresh.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        path.open("w", encoding="utf-8") as log,
        contextlib.redirect_stdout(log),
        contextlib.redirect_stderr(log),
    ):
        yield


def _end_dead_runs(instance: Any) -> None:
    """Mark runs that died with their process as failed; whoever holds the lock knows there is no
    other."""
    import dagster as dg

    unfinished = dg.RunsFilter(
        statuses=[
            dg.DagsterRunStatus.STARTED,
            dg.DagsterRunStatus.STARTING,
            dg.DagsterRunStatus.CANCELING,
        ]
    )
    for run in instance.get_runs(unfinished):
        instance.report_run_failed(run, "The process of this run ended before the run did.")
        # Else the next run would wait for the place of the dead one, and for ever.
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)


def _failure(result: Any) -> str:
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            if data.user_failure_data and data.user_failure_data.description:
                return str(data.user_failure_data.description)
            error = data.error.cause or data.error if data.error else None
            if error:
                return f"step {event.step_key} broke: {error.message.strip()}"
    return "the refresh failed before its first step"


def _unchanged(settings: Settings) -> str:
    release = Warehouse(settings.warehouse).current_release()
    return f"release {release.run_id} stays current" if release else "there is no release yet"


def prepare_dagster_home(settings: Settings) -> None:
    """Make Dagster's folder of this warehouse and point this process at it."""
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(Path(__file__).with_name("dagster.yaml"), home / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(home)
    for name, value in {
        "DO_NOT_TRACK": "1",
        "GX_ANALYTICS_ENABLED": "false",
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "CLIENTELE_LANDING": str(settings.landing),
        "CLIENTELE_WAREHOUSE": str(settings.warehouse),
        "CLIENTELE_MAPPING": str(settings.mapping_path),
    }.items():
        os.environ[name] = value


def _quiet() -> None:
    """Libraries' notices are for logs; the terminal is for what the refresh says."""
    warnings.filterwarnings("ignore")
    for name in ("dagster", "great_expectations", "alembic"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _status(_: argparse.Namespace, settings: Settings) -> int:
    from orchestration.summary import release_line, release_summary

    warehouse = Warehouse(settings.warehouse)
    release = warehouse.needed_release()
    print(release_summary(warehouse.current, release))
    print("\nReleases on disk:")
    for kept in warehouse.retained_releases():
        mark = "*" if kept.run_id == release.run_id else " "
        print(f" {mark} {release_line(warehouse.releases / kept.run_id, kept)}")
    return 0


def _customer(arguments: argparse.Namespace, settings: Settings) -> int:
    from orchestration.customer_story import customer_story, story_json, story_text

    marts = Warehouse(settings.warehouse).current / MARTS
    story = customer_story(marts, arguments.customer_id)
    print(story_json(story) if arguments.json else story_text(story))
    return 0


def _review(_: argparse.Namespace, settings: Settings) -> int:
    from orchestration.review import SUGGESTIONS, write_review

    written = write_review(Warehouse(settings.warehouse))
    if not written.suggestions:
        print("Nothing to do: every segment is within its bounds and meets its targets.")
    for name, count in written.suggestions.items():
        print(f"{count:4}  {SUGGESTIONS[name]}")
    print(f"\nThe review:  {written.page}")
    print("As tables:   " + ", ".join(path.name for path in written.tables))
    return 0


def _annual_review(arguments: argparse.Namespace, settings: Settings) -> int:
    from orchestration.annual_review import ALIGNMENTS, write_annual_review

    review, page = write_annual_review(Warehouse(settings.warehouse), arguments.year)
    for name, says in ALIGNMENTS.items():
        count = review.summary[f"{name}_count"]
        if count:
            print(f"{count:4}  {name.replace('_', ' ')}: {says}")
    print(f"\nThe review of {review.year}:  {page}")
    if review.summary["signed_by"]:
        print(f"Signed by {review.summary['signed_by']} on {review.summary['signed_on']}.")
    else:
        print(f"Nobody has signed it. Next: `clientele review sign-off {review.year} --help`.")
    return 0


def _sign_off(arguments: argparse.Namespace, settings: Settings) -> int:
    from orchestration.annual_review import SignOff, sign_off

    signed = SignOff(arguments.year, arguments.by, arguments.decision, arguments.note)
    lines = sign_off(PROJECT_DIR, Warehouse(settings.warehouse), signed, business_day(settings))
    print("\n".join(lines))
    return 0


def _start_experiment(arguments: argparse.Namespace, settings: Settings) -> int:
    from orchestration.dbt_project import project_variable
    from orchestration.experiment_start import (
        Design,
        Landed,
        control_of,
        parse_arms,
        start_experiment,
    )

    arms = parse_arms(arguments.arm or ["treatment", "holdout"])
    design = Design(
        experiment_id=arguments.experiment_id,
        segments=tuple(dict.fromkeys(arguments.segment)),
        arms=arms,
        control=control_of(arms, arguments.control),
        metric=arguments.metric,
        window_days=arguments.window_days,
        stop_on=arguments.stop_on,
        campaign_id=arguments.campaign,
        source_system=arguments.source_system,
        reason=arguments.reason,
    )
    lines = start_experiment(
        PROJECT_DIR,
        Warehouse(settings.warehouse),
        Landed(settings.landing, load_mapping(settings.mapping_path, load_contract())),
        design,
        minimum=int(project_variable(settings, "experiment_minimum_customers")),
        now=dt.datetime.now(dt.UTC),
    )
    print("\n".join(lines))
    return 0


def _rollback(arguments: argparse.Namespace, settings: Settings) -> int:
    warehouse = Warehouse(settings.warehouse)
    with warehouse.lock():
        kept = [release.run_id for release in warehouse.retained_releases()]
        current = warehouse.current.resolve().name if warehouse.current.is_symlink() else None
        earlier = [run_id for run_id in kept if current is None or run_id < current]
        target = arguments.run_id or (earlier[-1] if earlier else None)
        if target is None:
            raise ClienteleError(
                "there is no earlier release to return to", where=str(warehouse.releases)
            )
        if target not in kept:
            raise ClienteleError(
                f"there is no release {target}",
                where=str(warehouse.releases),
                remedy="`clientele status` lists those there are",
            )
        warehouse.flip(target)
    print(f"Release {target} is current again (before: {current}).")
    print("The next refresh goes on from it and reads again what came after it.")
    return 0


def _dev(arguments: argparse.Namespace, settings: Settings) -> int:
    prepare_dagster_home(settings)
    dagster = str(Path(sys.executable).parent / "dagster")
    print(f"Dagster: http://127.0.0.1:{arguments.port} (stop with Ctrl-C)", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        os.execv(
            dagster,
            [
                dagster,
                "dev",
                "-m",
                "orchestration.location",
                "-h",
                "127.0.0.1",
                "-p",
                arguments.port,
            ],
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
