"""What became of segment keys that are gone, as the seed segment_lineage says it.

Does not belong here: changing the seed (the verbs of `clientele segment` do that), and what
the models derive from it (models/membership/segment_definitions.sql).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from orchestration.errors import ClienteleError
from orchestration.segment_files import LINEAGE_SEED, read_seed


def read_renames(project: Path) -> dict[str, str]:
    """The present key of every renamed one, however often it was renamed.

    Args:
        project: the folder of dbt_project.yml.

    Raises:
        ClienteleError: keys were renamed in a circle, or one has two new names.
    """
    return renames(read_seed(project, LINEAGE_SEED))


def renames(rows: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """As `read_renames`, of the rows of the seed."""
    direct: dict[str, str] = {}
    for row in rows:
        if row["change"] != "renamed":
            continue
        key, successor = row["segment_key"], row["successor_key"]
        if direct.setdefault(key, successor) != successor:
            raise ClienteleError(
                f"segment {key} was renamed to {direct[key]} and to {successor}",
                where=LINEAGE_SEED.as_posix(),
                remedy="leave the one that holds",
            )
    return {key: _present(key, direct) for key in direct}


def _present(key: str, direct: Mapping[str, str]) -> str:
    seen = {key}
    while key in direct:
        key = direct[key]
        if key in seen:
            raise ClienteleError(
                f"segment {key} was renamed in a circle",
                where=LINEAGE_SEED.as_posix(),
                remedy="take the last of these rows out: a key that is gone does not come back",
            )
        seen.add(key)
    return key
