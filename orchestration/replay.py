"""The time machine: earlier days once more, beside published history and never in its place.

As occurred, all days are one pass of SQL over the facts that are known today, cut at each day. As
known, each release that a day shows is built again from the raw batches that it had (the release
log names them), and the history of these observations is then put together by the same models.
Both use the definitions of today. A replay goes to a folder of its own, which appears whole by one
rename. Does not belong here: published history (history.py), what the models say.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration import clock
from orchestration.contract import load_contract
from orchestration.database import connect, literal
from orchestration.dbt_project import (
    RUN_RESULTS,
    read_manifest,
    read_results,
    segment_models,
)
from orchestration.dbt_worker import DbtWorker
from orchestration.errors import ClienteleError
from orchestration.history import load_state
from orchestration.mapping import load_mapping
from orchestration.probable_links import create_probable_links, is_on
from orchestration.publish import RELEASE_LOG, STORAGE_VERSION
from orchestration.raw_store import create_raw_views
from orchestration.run_sources import RunSettings, tell_observations, tell_run
from orchestration.settings import Settings
from orchestration.warehouse import Release, Warehouse, sync_folder

AS_OCCURRED, AS_KNOWN = "occurred", "known"
FOLDER = "replays"
DATABASE = "replay.duckdb"

# What is said of each customer and account at each instant.
AT_INSTANTS = (
    "account_profiles",
    "customer_lifecycle",
    "customer_profiles",
    "rfm_scores",
    "segment_membership_observed",
)
# What follows from who was in at the instants.
OVER_TIME = (
    "account_segment_events",
    "account_segment_membership_history",
    "segment_events",
    "segment_membership_history",
    "segment_sizes",
)
_NEEDED_OVER_TIME = (
    "new_segment_changes",
    "segment_changes",
    "segment_observations",
    "segment_standing",
    "segment_steps",
)


@dataclass(frozen=True)
class Request:
    """What is asked of a replay.

    Attributes:
        first, last: business days, both included.
        every: day, week or month.
        basis: occurred or known.
    """

    first: date
    last: date
    every: str
    basis: str

    @property
    def name(self) -> str:
        """Of its folder; the same request has the same."""
        return f"{self.basis}-{self.first}-{self.last}-{self.every}"


@dataclass(frozen=True)
class Instant:
    """A day of a replay.

    Attributes:
        day_end: the instant asked for, naive UTC.
        as_of: what is shown: the instant itself, or, as known, the as_of of the release that was
            current then.
        run_id: of that release; None as occurred.
        batches: paths of the raw batches that it had; None for all.
        definition_versions: that it used.
    """

    day_end: datetime
    as_of: datetime
    run_id: str | None = None
    batches: tuple[str, ...] | None = None
    definition_versions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Replayed:
    """What a finished replay leaves.

    Attributes:
        folder: with replay.duckdb and a Parquet file per table.
        instants: the days, rising.
        redefined: segments that have another definition today than a release shown had.
        row_counts: by table.
    """

    folder: Path
    instants: tuple[Instant, ...]
    redefined: tuple[str, ...]
    row_counts: dict[str, int]


def replay(
    settings: Settings,
    request: Request,
    *,
    manifest_path: Path,
    progress: Callable[[str], None],
) -> Replayed:
    """Replay days into `<warehouse>/replays/<name>/`; a replay of that name is replaced.

    Args:
        settings: of the warehouse.
        request: the days.
        manifest_path: dbt manifest parsed for the warehouse.
        progress: takes short lines for a person to read.

    Raises:
        ClienteleError: there is no release, or no such day, or a model failed.
    """
    warehouse = Warehouse(settings.warehouse)
    with warehouse.lock():
        release = warehouse.current_release()
        if release is None:
            raise ClienteleError(
                "there is no release to replay",
                where=str(settings.warehouse),
                remedy="run `make refresh` first",
            )
        instants = choose_instants(request, release, _release_log(warehouse))
        manifest = read_manifest(manifest_path)
        builder = _Builder(settings, warehouse, release, manifest, progress)
        folder = warehouse.root / FOLDER
        for leftover in folder.glob(".*"):
            shutil.rmtree(leftover, ignore_errors=True)
        aside = folder / f".{request.name}"
        aside.mkdir(parents=True)
        try:
            if request.basis == AS_OCCURRED:
                counts = builder.as_occurred(instants, aside)
            else:
                counts = builder.as_known(instants, aside)
            redefined = _redefined(instants, release)
            _write_about(aside, request, release, instants, redefined)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise
        finally:
            warehouse.start_work()
        return Replayed(_put_in_place(aside, request.name), instants, redefined, counts)


def choose_instants(
    request: Request, release: Release, log: Sequence[dict[str, Any]]
) -> tuple[Instant, ...]:
    """The instants of a replay; as known, each with the last release at or before it.

    Args:
        request: the days.
        release: the current one.
        log: entries of the release log, in the order of their publication.

    Raises:
        ClienteleError: the days are in the wrong order, after the release or before the first.
    """
    zone = release.business_time_zone
    today = clock.business_date(release.as_of, zone)
    if request.last < request.first:
        raise ClienteleError(
            f"{request.last} is before {request.first}",
            where="--to",
            remedy="give the earlier day as --from and the later as --to",
        )
    if request.last > today:
        raise ClienteleError(
            f"{request.last} is after the current release, as of {today}",
            where="--to",
            remedy=f"replay days up to {today}, or refresh first",
        )
    ends = clock.replay_instants(request.first, request.last, request.every, release.as_of, zone)
    if not ends:
        raise ClienteleError(
            f"no month ends between {request.first} and {request.last}",
            where="--every month",
            remedy="widen --from and --to, or step by day or week",
        )
    if request.basis == AS_OCCURRED:
        return tuple(Instant(end, end) for end in ends)
    # A later release at the same as_of replaced the one before.
    releases = {datetime.fromisoformat(entry["as_of"]): entry for entry in log}
    chosen = []
    for end in ends:
        known = [as_of for as_of in releases if as_of <= end]
        if not known:
            first = clock.business_date(min(releases), zone)
            raise ClienteleError(
                f"on {clock.business_date(end, zone)} nothing was known yet: the first release is "
                f"as of {first}",
                where="--from",
                remedy=f"begin at {first}, or leave --as-known out to see what occurred",
            )
        entry = releases[max(known)]
        chosen.append(
            Instant(
                end,
                max(known),
                entry["run_id"],
                tuple(entry["batches"]),
                tuple(sorted(entry["definition_versions"].items())),
            )
        )
    return tuple(chosen)


class _Builder:
    """Builds instants in the work database and copies what a replay shows."""

    def __init__(
        self,
        settings: Settings,
        warehouse: Warehouse,
        release: Release,
        manifest: dict[str, Any],
        progress: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._warehouse = warehouse
        self._release = release
        self._progress = progress
        self._models = segment_models(settings, manifest)
        self._contract = load_contract()
        self._mapping = load_mapping(settings.mapping_path, self._contract)

    def as_occurred(self, instants: Sequence[Instant], folder: Path) -> dict[str, int]:
        """All instants in one pass over all facts."""
        self._tell([instant.as_of for instant in instants], batches=None)
        self._progress(f"replay: {len(instants)} days in one pass")
        self._run([f"+{name}" for name in (*AT_INSTANTS, *OVER_TIME)])
        with self._opened(folder) as marts:
            return _counts(marts, [_copied(marts, name) for name in (*AT_INSTANTS, *OVER_TIME)])

    def as_known(self, instants: Sequence[Instant], folder: Path) -> dict[str, int]:
        """Each release anew from the batches that it had, then the history of them all."""
        shown = {instant.as_of: instant for instant in instants}
        for number, instant in enumerate(shown.values(), 1):
            self._tell([instant.as_of], batches=instant.batches)
            self._progress(
                f"replay: {number} of {len(shown)}, as known on "
                f"{clock.business_date(instant.as_of, self._release.business_time_zone)}"
            )
            self._run([f"+{name}" for name in AT_INSTANTS])
            with self._opened(folder) as marts:
                for name in AT_INSTANTS:
                    _copied(marts, name)
        self._tell(list(shown), batches=None)
        self._run(["+segment_catalogue"])
        self._progress("replay: entries and exits of all days")
        self._observe_again(folder)
        self._run([*_NEEDED_OVER_TIME, *OVER_TIME])
        with self._opened(folder) as marts:
            for name in OVER_TIME:
                _copied(marts, name)
            return _counts(marts, (*AT_INSTANTS, *OVER_TIME))

    def _tell(self, as_ofs: Sequence[datetime], batches: Sequence[str] | None) -> None:
        """A work database with raw rows, and a run that observes every model at the instants."""
        self._warehouse.start_work()
        release = self._release
        counting = [
            batch for batch in release.batches if batches is None or batch.path in set(batches)
        ]
        gone = set(batches or ()) - {batch.path for batch in counting}
        if gone:
            raise ClienteleError(
                f"raw batches of an earlier release are gone ({len(gone)} of {len(batches or ())})",
                where="warehouse/raw",
                remedy="what was known then cannot be built again; replay it as occurred",
            )
        # Batches, and the rows of each file within them, are named after the run that read them.
        runs = {Path(batch.path).stem.rsplit("-", 1)[0] for batch in counting}
        files = [file for file in release.files if file.batch_id.rsplit("-", 1)[0] in runs]
        with connect(self._warehouse.work_database) as connection:
            create_raw_views(
                connection,
                contract=self._contract,
                warehouse=self._settings.warehouse,
                batches=counting,
                files=files,
            )
            tell_run(
                connection,
                RunSettings(
                    run_id=release.run_id,
                    as_of=max(as_ofs),
                    previous_as_of=None,
                    built_at=datetime.now(UTC).replace(tzinfo=None),
                    reporting_currency=release.reporting_currency,
                    business_time_zone=release.business_time_zone,
                    default_country=self._mapping.default_country,
                ),
                self._warehouse.reference,
            )
            load_state(connection, None, max(as_ofs), {})
            tell_observations(
                connection,
                [
                    clock.Observation(model, as_of, "restated")
                    for model in self._models
                    for as_of in sorted(as_ofs)
                ],
            )
            create_probable_links(
                connection,
                self._settings.warehouse,
                wanted=is_on(self._settings),
                is_first=False,
                tell=self._progress,
            )

    def _run(self, selected: Sequence[str]) -> None:
        target = self._settings.dbt_target_path
        (target / RUN_RESULTS).unlink(missing_ok=True)
        command = ["build", "--exclude-resource-type", "unit_test", "test", "--select", *selected]
        with DbtWorker(self._settings) as worker:
            failed = [
                node.unique_id
                for node in worker.run(command)
                if node.status not in {"success", "pass"}
            ]
        if failed:
            broken = [result for result in read_results(target) if result.status == "error"]
            words = broken[0].message if broken else "it did not run"
            raise ClienteleError(
                f"model {failed[0].rsplit('.', 1)[-1]} failed: {' '.join(words.split())[:300]}",
                where="replay",
                remedy="run `make refresh`; a model that fails there too has the reason",
            )

    def _opened(self, folder: Path) -> duckdb.DuckDBPyConnection:
        connection = connect()
        connection.execute(f"attach {literal(self._warehouse.work_database)} as work (read_only)")
        connection.execute(
            f"attach {literal(folder / DATABASE)} as replay (storage_version '{STORAGE_VERSION}')"
        )
        return connection

    def _observe_again(self, folder: Path) -> None:
        """Give the models the memberships of all instants, in the place of those of one run."""
        with connect(self._warehouse.work_database) as connection:
            connection.execute(f"attach {literal(folder / DATABASE)} as replay (read_only)")
            connection.execute(
                "create table main.segment_membership_observed as "
                "from replay.main.segment_membership_observed"
            )


def _copied(connection: duckdb.DuckDBPyConnection, name: str) -> str:
    """Add the rows of a table of the work database to that of the replay."""
    connection.execute(
        f"create table if not exists replay.main.{name} as from work.main.{name} limit 0"
    )
    connection.execute(
        f"insert into replay.main.{name} by name (from work.main.{name} order by all)"
    )
    return name


def _counts(connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> dict[str, int]:
    counted = {}
    for name in names:
        row = connection.execute(f"select count(*) from replay.main.{name}").fetchone()
        counted[name] = int(row[0]) if row else 0
    return counted


def _release_log(warehouse: Warehouse) -> list[dict[str, Any]]:
    text = (warehouse.current / RELEASE_LOG).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def _redefined(instants: Sequence[Instant], release: Release) -> tuple[str, ...]:
    now = release.definition_versions
    return tuple(
        sorted(
            {
                key
                for instant in instants
                for key, version in instant.definition_versions
                if now.get(key) != version
            }
        )
    )


def _write_about(
    folder: Path,
    request: Request,
    release: Release,
    instants: Sequence[Instant],
    redefined: Sequence[str],
) -> None:
    """Say what the replay is, as a table beside the others and as a file; write the Parquet."""
    with connect(folder / DATABASE) as connection:
        connection.execute(
            "create table replay (day date, as_of timestamp, basis varchar, run_id varchar)"
        )
        connection.executemany(
            "insert into replay values (?, ?, ?, ?)",
            [
                (
                    clock.business_date(instant.day_end, release.business_time_zone),
                    instant.as_of,
                    request.basis,
                    instant.run_id or release.run_id,
                )
                for instant in instants
            ],
        )
        for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall():
            connection.execute(
                f"copy (from {name} order by all) to {literal(folder / f'{name}.parquet')} "
                "(format parquet, compression zstd)"
            )
    about = {
        "basis": request.basis,
        "from": str(request.first),
        "to": str(request.last),
        "every": request.every,
        "release": release.run_id,
        "definition_versions": release.definition_versions,
        "redefined": list(redefined),
        "replayed_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    (folder / "replay.json").write_text(
        json.dumps(about, indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )
    for file in folder.iterdir():
        file.chmod(0o444)


def _put_in_place(aside: Path, name: str) -> Path:
    """Give a finished replay its name; one that had it is gone."""
    final = aside.parent / name
    if final.exists():
        final.rename(aside.parent / f".replaced-{name}")
    aside.rename(final)
    sync_folder(aside.parent)
    shutil.rmtree(aside.parent / f".replaced-{name}", ignore_errors=True)
    return final


def replay_summary(replayed: Replayed, request: Request) -> str:
    """What a replay shows, for a person: the size of every segment on its first and last day."""
    with connect(replayed.folder / DATABASE, read_only=True) as connection:
        rows = connection.execute(
            """
            select
                segment_key,
                arg_min(member_count, as_of),
                sum(entered_count) filter (where opened),
                sum(exited_count) filter (where opened),
                arg_max(member_count, as_of)
            from (
                select *, as_of > min(as_of) over () as opened from segment_sizes
            )
            group by segment_key
            having max(member_count) > 0
            order by 5 desc, 1
            """
        ).fetchall()
    days = f"{len(replayed.instants)} {request.every}{'s' if len(replayed.instants) > 1 else ''}"
    words = {
        AS_OCCURRED: "as occurred: over all facts known today",
        AS_KNOWN: "as known: with what each day's release had",
    }
    lines = [
        f"Replayed {days} from {request.first} to {request.last}, {words[request.basis]}.",
        "",
        f"  {'segment':<34}{'first day':>11}{'entered':>9}{'exited':>9}{'last day':>10}",
        *(
            f"  {key:<34}{first:>11,}{entered or 0:>9,}{exited or 0:>9,}{last:>10,}"
            for key, first, entered, exited, last in rows
        ),
        "",
    ]
    if replayed.redefined:
        shown = ", ".join(replayed.redefined[:5])
        more = len(replayed.redefined) - 5
        lines.append(
            f"Defined otherwise today than then, and shown as today: {shown}"
            f"{f' and {more} more' if more > 0 else ''}."
        )
    lines.append(
        f"Profiles, scores, memberships, stays and events by day: {replayed.folder / DATABASE} "
        "(and Parquet beside it). Published history is unchanged."
    )
    return "\n".join(lines)
