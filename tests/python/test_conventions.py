"""The conventions of the models (names, descriptions, keys, length) hold in the whole project."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from pipeline import PROJECT


def test_models_keep_the_conventions(compiled_manifest: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps(compiled_manifest), encoding="utf-8")
    config = (PROJECT / "dbt-bouncer.yml").read_text(encoding="utf-8")
    assert "dbt_artifacts_dir: target" in config
    here = tmp_path / "dbt-bouncer.yml"
    here.write_text(
        config.replace("dbt_artifacts_dir: target", f"dbt_artifacts_dir: {tmp_path}"),
        encoding="utf-8",
    )
    completed = subprocess.run(
        [str(Path(sys.executable).parent / "dbt-bouncer"), "--config-file", str(here)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stdout[-4000:] + completed.stderr[-2000:]
