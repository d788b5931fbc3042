"""MetricFlow over a release: ``python -m orchestration.semantic query --metrics revenue ...``.

Takes what ``mf`` takes. ``mf`` by itself reads the work database of a refresh, writes logs into the
project and asks a registry for its newest version at every start; here it reads the current
release, which nobody can write through it, in a folder of its own, and asks nobody.

Does not belong here: the metrics (models/kpis/_semantic.yml, made by semantic_models.py).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from orchestration.dbt_project import prepare_manifest
from orchestration.errors import ClienteleError
from orchestration.settings import settings_from_environment
from orchestration.warehouse import MARTS, Warehouse

MANIFEST: Final = "semantic_manifest.json"

_PROJECT: Final = """\
name: clientele
version: "0.1.0"
config-version: 2
profile: clientele
flags:
  send_anonymous_usage_stats: false
  use_colors: false
"""


def lay_out(warehouse: Warehouse, parsed: Path, folder: Path) -> None:
    """A dbt project in `folder` that has nothing but the metrics, over the current release.

    Args:
        warehouse: whose release is read.
        parsed: the semantic manifest that dbt wrote when it parsed the project.
        folder: an empty folder.

    Raises:
        ClienteleError: there is no release, or dbt has not parsed the project.
    """
    warehouse.needed_release()
    if not parsed.exists():
        raise ClienteleError(
            "dbt has not read the metrics yet", where=str(parsed), remedy="run `make refresh`"
        )
    models = json.loads(parsed.read_text(encoding="utf-8"))["semantic_models"]
    databases = {model["node_relation"]["database"] for model in models}
    release = (warehouse.current / MARTS).resolve()
    output = {
        "type": "duckdb",
        "path": ":memory:",
        "threads": 1,
        "settings": {"TimeZone": "UTC"},
        "attach": [
            {"path": str(release), "alias": database, "read_only": True} for database in databases
        ],
    }
    profile = {"clientele": {"target": "release", "outputs": {"release": output}}}
    (folder / "dbt_project.yml").write_text(_PROJECT, encoding="utf-8")
    # JSON is YAML, and quotes what a path may hold.
    (folder / "profiles.yml").write_text(json.dumps(profile), encoding="utf-8")
    (folder / "target").mkdir()
    shutil.copy(parsed, folder / "target" / MANIFEST)


def ask(arguments: Sequence[str], folder: Path) -> int:
    """Let MetricFlow answer in a folder that was laid out.

    Returns:
        its exit status.

    Raises:
        ClienteleError: MetricFlow is not installed.
    """
    for name in ("DBT_PROFILES_DIR", "DBT_PROJECT_DIR"):
        os.environ[name] = str(folder)
    os.environ["DBT_LOG_PATH"] = str(folder / "logs")
    os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
    try:
        from dbt_metricflow.cli import main as metricflow
    except ImportError as error:
        raise ClienteleError(
            "MetricFlow is not installed",
            where=sys.prefix,
            remedy="run `pip install -e '.[semantic]'`",
        ) from error
    vars(metricflow)["UpdateChecker"] = _NeverAsks
    outcome = metricflow.cli.main(args=list(arguments), prog_name="mf", standalone_mode=False)
    return int(outcome or 0)


class _NeverAsks:
    """Stands in for the check for a newer version, which would go to the network."""

    def check(self, *_: object) -> None:
        return None


def main() -> int:
    """Ask MetricFlow about the current release."""
    from click import ClickException
    from click.exceptions import Exit

    settings = settings_from_environment()
    warehouse = Warehouse(settings.warehouse)
    parsed = settings.dbt_target_path / MANIFEST
    with tempfile.TemporaryDirectory(prefix="clientele-metrics-") as folder:
        try:
            if warehouse.current_release() is not None and not parsed.exists():
                prepare_manifest(settings)
            lay_out(warehouse, parsed, Path(folder))
            return ask(sys.argv[1:], Path(folder))
        except ClienteleError as error:
            print(f"clientele: {error.sentence}", file=sys.stderr)
            return 1
        except Exit as stopped:
            return int(stopped.exit_code)
        except ClickException as error:
            error.show()
            return int(error.exit_code)


if __name__ == "__main__":
    sys.exit(main())
