"""A copy of the project's files that tests of segments may change, and segments to put there.

Does not belong here: refreshes (conftest.Workspace), or what a verb is expected to do.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from pipeline import PROJECT

from orchestration.segment_files import Catalogue, read_catalogue

METADATA = {
    "owner": "crm@example.com",
    "objective": "Have tea with them",
    "goal_kpi": "retention_rate",
    "priority": 500,
    "minimum_size": 5,
    "review_by": "2027-03-31",
}
CONTRACT = """
  - name: {key}_has_its_edges
    model: seg_{key}
    given:
      - input: ref('customer_profiles')
        rows: [{{customer_id: one}}]
    expect:
      rows: [{{customer_id: one}}]
"""


def copy_files(folder: Path) -> Path:
    """What the catalogue is read from, without the rest of the project."""
    project = folder / "project"
    shutil.copytree(PROJECT / "models", project / "models")
    shutil.copytree(PROJECT / "macros" / "metrics", project / "macros" / "metrics")
    shutil.copytree(PROJECT / "seeds", project / "seeds")
    shutil.copy(PROJECT / "dbt_project.yml", project / "dbt_project.yml")
    return project


def snapshot(project: Path) -> dict[str, str]:
    """Every file and what stands in it."""
    return {
        path.relative_to(project).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(project.rglob("*"))
        if path.is_file()
    }


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """The files that are new, gone or different."""
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def segment_sql(where: str = "true", body: str = "", **metadata: object) -> str:
    """A segment file; metadata given as None is left out."""
    entries = {**METADATA, **metadata}
    listed = "".join(f"    '{k}': {v!r},\n" for k, v in entries.items() if v is not None)
    body = body or (
        "select\n    as_of,\n    customer_id\n"
        f"from {{{{ ref('customer_profiles') }}}}\nwhere {where}\n"
    )
    config = "{{ config(enabled=segment_is_on(model.name), meta={'segment': {\n"
    return f"{config}{listed}}}}}) }}}}\n\n{body}"


def add_segment(
    project: Path,
    key: str,
    where: str = "true",
    *,
    family: str = "custom",
    body: str = "",
    contract: bool = True,
    listed: str = "segments",
    **metadata: object,
) -> Path:
    """Write a segment with its line, and a contract; the path of its file."""
    file = project / "models" / "segments" / family / f"seg_{key}.sql"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(segment_sql(where, body, **metadata), encoding="utf-8")
    if contract:
        contracts = file.parent / "_contracts.yml"
        head = "" if contracts.exists() else "version: 2\n\nunit_tests:"
        with contracts.open("a", encoding="utf-8") as out:
            out.write(head + CONTRACT.format(key=key))
    if listed:
        add_line(project, key, listed)
    return file


def add_line(project: Path, key: str, name: str = "segments") -> None:
    """Write a key into a list of dbt_project.yml, at its beginning."""
    path = project / "dbt_project.yml"
    text = path.read_text(encoding="utf-8")
    block, brackets = f"\n  {name}:\n", f"\n  {name}: []\n"
    assert (block in text) != (brackets in text)
    line = f'\n  {name}:\n    - "{key}"\n'
    path.write_text(text.replace(block, line).replace(brackets, line), encoding="utf-8")


def catalogue_of(project: Path) -> Catalogue:
    """The catalogue as it stands now."""
    return read_catalogue(project)
