"""Probable links: the file that `clientele match` writes and a refresh may read. Off by default.

Belongs here: the file with its manifest, what is said of it, and the table ``run.probable_links``.
Does not belong here: how people are compared (matching), and what a link does: it passes the guards
and the log of models/identity like any other.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import duckdb

from orchestration.contract import load_contract
from orchestration.database import connect, literal
from orchestration.dbt_project import project_variable, run_dbt
from orchestration.errors import ClienteleError
from orchestration.matching import Pair, find_pairs, require_splink
from orchestration.raw_store import create_raw_views
from orchestration.reference import create_reference
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse import Release, Warehouse

LINKS_FILE: Final = "links.parquet"
MANIFEST_FILE: Final = "manifest.json"
MANIFEST_VERSION: Final = 1
SWITCH: Final = "probable_links"

_MODEL: Final = "match_records"
_SHOWN: Final = 10


@dataclass(frozen=True)
class Manifest:
    """What stands beside a file of links; nothing personal.

    Attributes:
        made_at: ISO 8601, UTC.
        run_id: the release whose records were compared.
        library, library_version: what compared them.
        threshold: least probability of a link.
        records: compared; pairs: linked.
        manifest_version: of this form.
    """

    made_at: str
    run_id: str
    library: str
    library_version: str
    threshold: float
    records: int
    pairs: int
    manifest_version: int = MANIFEST_VERSION


def links_folder(warehouse: Path) -> Path:
    """Where the links of a warehouse are."""
    return warehouse / "match"


def match(settings: Settings, *, threshold: float, tell: Callable[[str], None]) -> str:
    """Compare the customer records of the current release and keep the links.

    Args:
        settings: of the warehouse, whose lock the caller holds.
        threshold: least probability of a link.
        tell: takes short lines for a person to read.

    Returns:
        What was found, for a person to read; records by their ids only.

    Raises:
        ClienteleError: there is no release, Splink is missing, the threshold is none, or there is
            too little to learn from.
    """
    version = require_splink()
    if not 0.5 <= threshold < 1:
        raise ClienteleError(
            f"{threshold:g} is no threshold of a link",
            where="--threshold",
            remedy="give a probability of at least 0.5, below which links are rather wrong, and "
            "less than 1",
        )
    warehouse = Warehouse(settings.warehouse)
    release = warehouse.current_release()
    if release is None:
        raise ClienteleError(
            "there is no release whose records could be matched",
            where=str(settings.warehouse),
            remedy="run `clientele refresh` first",
        )
    folder = links_folder(settings.warehouse)
    work = folder / ".work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        with connect(work / "work.duckdb") as connection:
            tell("match: reading the customer records")
            records = _match_records(connection, settings, release)
            tell(f"match: comparing {records:,} customer records")
            pairs = find_pairs(connection, _MODEL, threshold)
        manifest = Manifest(
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            run_id=release.run_id,
            library="splink",
            library_version=version,
            threshold=threshold,
            records=records,
            pairs=len(pairs),
        )
        write_links(folder, pairs, manifest)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    most = int(project_variable(settings, "customer_maximum_records"))
    return _report(pairs, manifest, _customers(warehouse), most, is_on(settings))


def remove_links(warehouse: Path) -> bool:
    """Take the links away. Returns whether there were any."""
    folder = links_folder(warehouse)
    there = folder.is_dir()
    shutil.rmtree(folder, ignore_errors=True)
    return there


def is_on(settings: Settings) -> bool:
    """Whether refreshes of this warehouse read the links.

    Raises:
        ClienteleError: the variable is neither true nor false.
    """
    value = project_variable(settings, SWITCH)
    if not isinstance(value, bool):
        raise ClienteleError(
            "it is neither true nor false", where=f"variable {SWITCH}", remedy="give one of these"
        )
    return value


def _match_records(
    connection: duckdb.DuckDBPyConnection, settings: Settings, release: Release
) -> int:
    """Build the model match_records from the raw batches of a release; how many rows it has."""
    run_dbt(settings, ["compile", "--quiet", "--select", f"+{_MODEL}"])
    path = settings.dbt_target_path / "manifest.json"
    nodes = json.loads(path.read_text(encoding="utf-8"))["nodes"]
    create_raw_views(
        connection,
        contract=load_contract(),
        warehouse=settings.warehouse,
        batches=release.batches,
        files=release.files,
    )
    create_reference(connection, Warehouse(settings.warehouse).reference)
    # Of the settings only the country of addresses without one counts, and no country is compared.
    connection.execute("create table run.settings (default_country varchar)")
    connection.execute("insert into run.settings values (null)")
    done: set[str] = set()

    def build(unique_id: str) -> None:
        node = nodes.get(unique_id)
        if node is None or unique_id in done:
            return
        done.add(unique_id)
        for parent in node["depends_on"].get("nodes", []):
            build(parent)
        connection.execute(f'create schema if not exists "{node["schema"]}"')
        relation = f'"{node["schema"]}"."{node["name"]}"'
        if node["resource_type"] == "seed":
            seed = literal((PROJECT_DIR / node["original_file_path"]).as_posix())
            query = f"select * from read_csv({seed}, all_varchar = true, header = true)"
        else:
            query = node["compiled_code"]
        connection.execute(f"create table {relation} as {query}")

    wanted = f"model.clientele.{_MODEL}"
    build(wanted)
    rows = connection.execute(f"select count(*) from {_MODEL}").fetchall()
    return int(rows[0][0])


def write_links(folder: Path, pairs: Sequence[Pair], manifest: Manifest) -> None:
    """Write the links and what they are; the manifest last, so that half of it is told."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST_FILE).unlink(missing_ok=True)
    temporary = folder / f".{LINKS_FILE}.tmp"
    with connect() as connection:
        connection.execute("create table pairs (a varchar, b varchar)")
        for start in range(0, len(pairs), 1000):
            chunk = pairs[start : start + 1000]
            marks = ", ".join("(?, ?)" for _ in chunk)
            ids = [value for pair in chunk for value in (pair.record_id, pair.other_record_id)]
            connection.execute(f"insert into pairs values {marks}", ids)
        connection.execute(
            f"""
            copy (
                select
                    unnest([a, b]) as record_id,
                    md5(a || '|' || b) as link_value
                from pairs
                order by link_value, record_id
            ) to {literal(temporary.as_posix())} (format parquet, compression zstd)
            """
        )
    temporary.replace(folder / LINKS_FILE)
    (folder / MANIFEST_FILE).write_text(
        json.dumps(asdict(manifest), indent=1) + "\n", encoding="utf-8"
    )


def create_probable_links(
    connection: duckdb.DuckDBPyConnection,
    warehouse: Path,
    *,
    wanted: bool,
    is_first: bool,
    tell: Callable[[str], None],
) -> None:
    """Make the table ``run.probable_links`` of a work database.

    Args:
        connection: the work database; schema ``run`` is there.
        warehouse: whose links they are.
        wanted: whether the links are switched on; the table is empty where they are not.
        is_first: whether there is no release yet, and so nothing that could have been matched.
        tell: takes short lines for a person to read.

    Raises:
        ClienteleError: they are wanted, and are not there or not whole.
    """
    connection.execute("create table run.probable_links (record_id varchar, link_value varchar)")
    if not wanted:
        return
    folder = links_folder(warehouse)
    if is_first and not folder.is_dir():
        tell("probable links: none yet; `clientele match` makes them from the first release")
        return
    manifest = _read_manifest(folder)
    links = literal((folder / LINKS_FILE).as_posix())
    try:
        connection.execute(
            "insert into run.probable_links "
            f"select record_id, link_value from read_parquet({links})"
        )
        rows = connection.execute(
            """
            select
                count(*),
                count(*) filter (
                    where
                        record_count <> 2
                        or not regexp_full_match(link_value, '[0-9a-f]{32}')
                        or not is_hash
                )
            from (
                select
                    link_value,
                    count(distinct record_id) as record_count,
                    bool_and(regexp_full_match(record_id, '[0-9a-f]{32}')) as is_hash
                from run.probable_links
                group by link_value
            )
            """
        ).fetchall()
    except duckdb.Error as error:
        raise _wrong(folder / LINKS_FILE, "the probable links cannot be read") from error
    pairs, faulty = rows[0]
    if faulty or pairs != manifest.pairs:
        raise _wrong(
            folder / LINKS_FILE,
            f"the probable links are not those of their manifest ({pairs:,} links, of which"
            f" {faulty:,} do not name two records; {manifest.pairs:,} in the manifest)",
        )
    tell(f"probable links: {pairs:,} of {manifest.made_at[:10]}, from {manifest.threshold:g} on")


def _read_manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST_FILE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _wrong(
            folder, f"the variable {SWITCH} is true, and there are no probable links"
        ) from None
    except (OSError, ValueError) as error:
        raise _wrong(path, "the manifest of the probable links cannot be read") from error
    if not isinstance(values, dict) or values.get("manifest_version") != MANIFEST_VERSION:
        raise _wrong(path, "the probable links were made by another version of Clientele")
    try:
        return Manifest(**values)
    except TypeError as error:
        raise _wrong(path, "the manifest of the probable links is not whole") from error


def _wrong(where: Path, what: str) -> ClienteleError:
    return ClienteleError(
        what,
        where=str(where),
        remedy=f"run `clientele match`, or set the variable {SWITCH} to false",
    )


def _customers(warehouse: Warehouse) -> dict[str, str]:
    marts = warehouse.current / "marts" / "clientele.duckdb"
    with connect(marts.resolve(), read_only=True) as connection:
        return dict(
            connection.execute(
                "select record_id, customer_id from customer_source_records"
            ).fetchall()
        )


def _report(
    pairs: Sequence[Pair],
    manifest: Manifest,
    customers: Mapping[str, str],
    most: int,
    switched_on: bool,
) -> str:
    new = [
        (pair, customers[pair.record_id], customers[pair.other_record_id])
        for pair in pairs
        if pair.record_id in customers
        and pair.other_record_id in customers
        and customers[pair.record_id] != customers[pair.other_record_id]
    ]
    sizes = Counter(customers.values())
    groups = _groups((left, right) for _, left, right in new)
    whole = [group for group in groups if sum(sizes[customer] for customer in group) <= most]
    merging = sum(len(group) for group in whole)
    lines = [
        f"{manifest.pairs:,} pairs of {manifest.records:,} customer records are probably one person"
        f" (probability {manifest.threshold:g} or more; {manifest.library}"
        f" {manifest.library_version}).",
        f"{merging:,} customers would become {len(whole):,}, of {len(sizes):,} in all.",
    ]
    if len(whole) < len(groups):
        lines.append(
            f"{len(groups) - len(whole):,} further groups would have more than {most} records, and"
            " drop these links."
        )
    if new:
        lines.append("The likeliest of them, by record_id (customer_source_records has the rest):")
        likeliest = sorted(new, key=lambda each: (-each[0].probability, each[0].record_id))
        lines += [
            f"  {pair.record_id}  {pair.other_record_id}  {pair.probability:.3f}"
            for pair, _, _ in likeliest[:_SHOWN]
        ]
    lines.append(
        "The next refresh reads them."
        if switched_on
        else f"Nothing is changed until the variable {SWITCH} is true and a refresh is run."
    )
    return "\n".join(lines)


def _groups(links: Iterable[tuple[str, str]]) -> list[set[str]]:
    group_of: dict[str, set[str]] = {}
    for left, right in links:
        ours, theirs = group_of.get(left, {left}), group_of.get(right, {right})
        if ours is not theirs:
            small, large = sorted((ours, theirs), key=len)
            large |= small
            group_of.update(dict.fromkeys(large, large))
    return list({id(group): group for group in group_of.values()}.values())
