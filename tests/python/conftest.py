"""Fixtures: the compiled project, and a warehouse in which real refreshes run."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import hypothesis
import oracle_accounts
import pytest
import yaml
from parses import Parses
from pipeline import PROJECT, Pipeline, compile_project, project_variables
from warm import warm_process
from xdist.scheduler import LoadScopeScheduling

from orchestration.errors import ClienteleError
from orchestration.settings import settings_from_environment

# One and the same examples for everyone, so that main does not turn red by chance; new ones are
# sought with HYPOTHESIS_PROFILE=search.
hypothesis.settings.register_profile("same", derandomize=True, database=None)
hypothesis.settings.register_profile("search")
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


NIGHTLY = bool(os.environ.get("CLIENTELE_NIGHTLY"))
nightly = pytest.mark.skipif(not NIGHTLY, reason="takes minutes; `make nightly` runs it")
"""Of what takes many refreshes and is held by quicker tests too, less closely."""


def examples(few: int, many: int) -> int:
    """How many examples to try where each takes seconds; many in `make nightly`."""
    return many if NIGHTLY else few


def seeds(few: int, many: int) -> list[Any]:
    """As `examples`, for generated businesses that are parameters."""
    return [seed if seed < few else pytest.param(seed, marks=nightly) for seed in range(many)]


_SET_UP_ONCE = frozenset(
    {
        "test_accounts",
        "test_associations",
        "test_attribution",
        "test_customer_story",
        "test_dbt_unit_tests",
        "test_demo",
        "test_erasure",
        "test_identity_over_time",
        "test_kpi_identities",
        "test_lifecycle_transitions",
        "test_oracle",
        "test_replay",
        "test_rfm_published",
        "test_segment_contracts",
        "test_segment_examples",
        "test_segment_health",
        "test_segments_over_time",
        "test_variables",
    }
)
"""Modules whose tests share what takes long to set up: each is one worker's."""


class _ModulesTogether(LoadScopeScheduling):
    """Hands such a module to one worker, and every other test by itself.

    xdist's own `--dist loadgroup` groups nothing with pytest 9.2, whose node ids it cannot change.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return file if Path(file).stem in _SET_UP_ONCE else nodeid


def pytest_configure(config: pytest.Config) -> None:
    # xdist would begin with the modules of most tests, which are not those that take longest.
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refreshes first, then modules with a long set-up: both workers end at about one time.

    Before them dbt's unit tests, so that only one worker begins with refreshes: when the other
    comes to them, what dbt parsed is there.
    """

    def place(item: pytest.Item) -> int:
        if item.path.stem == "test_dbt_unit_tests":
            return 0
        if "workspace" in getattr(item, "fixturenames", ()):
            return 1
        return 2 if item.path.stem in _SET_UP_ONCE else 3

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return _ModulesTogether(config, log)


def _shared_base(factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this test session share."""
    base = factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


def _parses(base: Path) -> Parses:
    return Parses(base / "parses", PROJECT)


@pytest.fixture(scope="session")
def parses(tmp_path_factory: pytest.TempPathFactory) -> Parses:
    """What dbt has parsed in this session."""
    return _parses(_shared_base(tmp_path_factory))


def _compiled(
    base: Path,
    variables: Mapping[str, Any],
    only: Sequence[str] = (),
    parsed_with: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    asked = json.dumps([dict(variables), sorted(only)], sort_keys=True)
    digest = hashlib.sha256(asked.encode()).hexdigest()[:12]
    folder = base / f"compiled-{digest}"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ready = folder / "ready"
        if not ready.exists():
            compile_project(folder, variables, only, _parses(base), parsed_with=parsed_with)
            ready.touch()
    manifest: dict[str, Any] = json.loads((folder / "dbt" / "manifest.json").read_text())
    return manifest


@pytest.fixture(scope="session")
def compiled_manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The manifest after `dbt compile` with the default variables."""
    return _compiled(_shared_base(tmp_path_factory), {})


@pytest.fixture(scope="session")
def pipeline_with(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Pipeline]:
    """The compiled project with other variables; of `only` these models and tests, if told.

    `parsed_with={}` spares a parse where a variable turns nothing on or off and leads to no other
    model: dbt says so where it does lead to one.
    """

    def make(
        only: Sequence[str] = (),
        *,
        parsed_with: Mapping[str, Any] | None = None,
        **variables: Any,
    ) -> Pipeline:
        made = Pipeline(_compiled(_shared_base(tmp_path_factory), variables, only, parsed_with))
        return made.reduced_to(only) if only else made

    return make


@pytest.fixture(scope="session")
def pipeline_of_accounts(pipeline_with: Callable[..., Pipeline]) -> Pipeline:
    """The compiled project with two kinds of segments of accounts beside those of customers.

    Three contacts are enough to rank a segment of a campaign, so that small businesses have ranks.
    """
    variables = project_variables()
    return pipeline_with(
        segments=[*variables["segments"], oracle_accounts.ADOPTERS],
        segment_groups=[*variables["segment_groups"], "b2b"],
        campaign_minimum_sample=3,
    )


@pytest.fixture(scope="session")
def pipeline(compiled_manifest: dict[str, Any]) -> Pipeline:
    """The compiled project with the default variables."""
    return Pipeline(compiled_manifest)


_PROJECT_PARTS = ("models", "macros", "seeds", "tests/data", "orchestration")


@dataclass
class Workspace:
    """A landing folder, a warehouse and a command line."""

    root: Path
    parses: Parses
    project: Path = PROJECT
    environment: dict[str, str] = field(default_factory=dict)
    templates: Path | None = None
    parsed_with: Mapping[str, Any] | None = None
    """Variables whose parse will do, if nothing that is parsed depends on the others."""
    kpis: bool = True
    """Whether refreshes make metrics too."""

    @property
    def landing(self) -> Path:
        return self.root / "landing"

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse"

    @property
    def marts(self) -> Path:
        return self.warehouse / "current" / "marts" / "clientele.duckdb"

    def env(self, **more: str) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("CLIENTELE_")}
        environment = {
            **inherited,
            "CLIENTELE_LANDING": str(self.landing),
            "CLIENTELE_WAREHOUSE": str(self.warehouse),
            # What a test lands is complete; test_landing.py waits for files that are not.
            "CLIENTELE_REST_SECONDS": "0",
            **self.environment,
            **more,
        }
        if not self.kpis:
            environment["CLIENTELE_VARS"] = _without_kpis(environment.get("CLIENTELE_VARS", ""))
        return environment

    def keep_parse(self, environment: Mapping[str, str]) -> None:
        """Give each project and set of variables a parse of its own.

        dbt keeps one, and takes twenty seconds for another whenever these change.
        """
        asked = [environment.get(f"CLIENTELE_{name}", "") for name in ("VARS", "TARGET")]
        digest = hashlib.sha256(json.dumps([str(self.project), *asked]).encode()).hexdigest()[:12]
        kept, parse = self.root / "parsed" / digest, self.warehouse / "dbt"
        variables = self._shared_variables(environment)
        if variables is not None:
            self.parses.lend(
                kept, self.project, self.warehouse, variables, parsed_with=self.parsed_with
            )
        if parse.is_symlink():
            parse.unlink()
        elif parse.exists():  # made by a process that was started otherwise
            return
        kept.mkdir(parents=True, exist_ok=True)
        self.warehouse.mkdir(parents=True, exist_ok=True)
        parse.symlink_to(kept, target_is_directory=True)

    def _shared_variables(self, environment: Mapping[str, str]) -> Mapping[str, Any] | None:
        """Those by which parses are shared; None for another target, and for what is refused."""
        try:
            settings = settings_from_environment(environment)
        except ClienteleError:
            return None
        return None if settings.target else settings.dbt_vars

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        environment = self.env(**more)
        self.keep_parse(environment)
        completed = warm_process().run(
            ["orchestration.cli", *arguments], cwd=self.project, env=environment, timeout=300
        )
        variables = self._shared_variables(environment)
        if variables is not None and self.project == PROJECT:
            self.parses.keep(self.warehouse / "dbt", variables)
        return completed

    def python(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A script in the project, with the environment of the command line."""
        return warm_process().run(
            ["-c", script, *arguments], cwd=self.project, env=self.env(), timeout=300
        )

    def copy_project(self) -> Path:
        """Work on a copy of the project from now on, so that a test can break it."""
        copy = self.root / "project"
        shutil.rmtree(copy, ignore_errors=True)
        for part in _PROJECT_PARTS:
            shutil.copytree(
                PROJECT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__")
            )
        for name in ("dbt_project.yml", "profiles.yml"):
            shutil.copy(PROJECT / name, copy / name)
        self.project = copy
        return copy

    def refresh(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """A refresh that must succeed."""
        completed = self.run("refresh", *arguments, **more)
        assert completed.returncode == 0, completed.stdout[-3000:] + completed.stderr[-3000:]
        return completed

    def settled(self) -> None:
        """The first release of what lies in the landing folder, where a test begins after it.

        The same files are refreshed once per test session: the release is copied from then on.
        """
        assert self.templates is not None
        assert self.project == PROJECT
        assert not (self.warehouse / "current").exists()
        template = self.templates / f"settled-{self._digest()}"
        template.mkdir(exist_ok=True)
        with (template / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (template / "ready").exists():
                self.refresh()
                for name in ("landing", "warehouse"):
                    _copy(self.root / name, template / name)
                (template / "ready").touch()
                return
        for name in ("landing", "warehouse"):
            _copy(template / name, self.root / name)

    def _digest(self) -> str:
        told = [self.kpis, self.environment]
        digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
        for path in sorted(path for path in self.landing.rglob("*") if path.is_file()):
            digest.update(str(path.relative_to(self.landing)).encode() + b"\0")
            digest.update(path.read_bytes())
        return digest.hexdigest()[:16]

    def refused(self, *arguments: str, **more: str) -> str:
        """A refresh that must fail; the sentence it says."""
        completed = self.run("refresh", *arguments, **more)
        assert completed.returncode != 0, completed.stdout[-3000:]
        lines = [line for line in completed.stderr.splitlines() if line.strip()]
        assert len(lines) == 1, completed.stderr[-3000:]
        assert "Traceback" not in completed.stderr
        return lines[0]

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.marts), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def table(self, name: str, columns: str = "*") -> list[tuple[Any, ...]]:
        return self.query(f"select {columns} from {name} order by all")

    def published(self) -> dict[str, str]:
        """What readers see, byte for byte: the current release's files and their hashes."""
        current = self.warehouse / "current"
        if not current.exists():
            return {}
        folder = current.resolve()
        hashes = {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        return {"current": folder.name, **hashes}

    def write(self, name: str, text: str) -> Path:
        path = self.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path


def _without_kpis(variables: str) -> str:
    """The variables that a test asks for, and no metrics; what is no mapping is left as it is."""
    asked = yaml.safe_load(variables) if variables.strip() else {}
    return json.dumps({"kpis": False, **asked}) if isinstance(asked, dict) else variables


def _copy(source: Path, target: Path) -> None:
    """A folder with its times, which tell a file that is known; not what libraries keep for it."""
    shutil.copytree(
        source,
        target,
        symlinks=True,
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns("dbt", "dagster", "work"),
    )


@pytest.fixture
def workspace(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, parses: Parses
) -> Workspace:
    """An empty warehouse, at one path per worker so that dbt can use what it parsed before.

    Refreshes make metrics, which takes longer, where a test is marked `kpis`.
    """
    root = tmp_path_factory.getbasetemp() / "workspace"
    for name in ("landing", "warehouse", "project"):
        shutil.rmtree(root / name, ignore_errors=True)
    made = Workspace(
        root,
        parses,
        templates=_shared_base(tmp_path_factory),
        kpis=request.node.get_closest_marker("kpis") is not None,
    )
    made.keep_parse(made.env())
    return made


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data; tests that need it are skipped, loudly, where it is absent."""
    folder = Path(os.environ.get("CLIENTELE_TEST_DATA", PROJECT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(
            f"REAL DATA ABSENT: {folder} is not a folder; set CLIENTELE_TEST_DATA to check the "
            "published figures"
        )
    return folder
