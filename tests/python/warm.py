"""Runs modules of the project by forks of a process that has imported their libraries.

Dagster, dbt and Great Expectations take ten seconds to import, and a refresh starts them all anew.
A fork begins where the imports end. What is run is the module as `python -m` runs it, in its own
folder, with its own environment; also the workers that it starts (orchestration/worker.py) are
forks, of the same process and not of its own. Nothing of the project itself is imported beforehand.

Tests of what the start of a process does, or that kill it, start it as everybody does.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any

_LIBRARIES = ("dagster", "dbt.cli.main", "dbt.adapters.duckdb", "great_expectations")
_WORKERS = frozenset({"orchestration.dbt_worker", "orchestration.quality_worker"})
_AT = "CLIENTELE_WARM_PROCESS"
"""Tells a fork, in its environment, where to ask for another."""

_MESSAGES = (socket.AF_UNIX, socket.SOCK_SEQPACKET)
"""Sockets that keep one message apart from the next."""

_LONGEST = 2**20


class Fork:
    """A module that runs in a fork; of what `subprocess.Popen` offers, what is needed here."""

    def __init__(
        self,
        address: str,
        arguments: Sequence[str],
        *,
        cwd: str,
        env: Mapping[str, str],
        streams: Sequence[int],
    ) -> None:
        self._connection = socket.socket(*_MESSAGES)
        self._connection.connect(address)
        request = {"arguments": list(arguments), "cwd": cwd, "env": {**env, _AT: address}}
        socket.send_fds(self._connection, [json.dumps(request).encode()], list(streams))
        self.pid = int(self._connection.recv(_LONGEST))
        self.stdin: IO[str] | None = None
        self.stdout: IO[str] | None = None
        self._returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """The status, as `subprocess` has it.

        Raises:
            subprocess.TimeoutExpired: it has none in time.
        """
        if self._returncode is None:
            self._connection.settimeout(timeout)
            try:
                self._returncode = int(self._connection.recv(_LONGEST) or -signal.SIGKILL)
            except TimeoutError as error:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0) from error
            self._connection.close()
        return self._returncode

    def kill(self) -> None:
        """End it, if it has not ended."""
        if self._returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


class WarmProcess:
    """The process that has the libraries, and whatever runs in its forks."""

    def __init__(self) -> None:
        # A socket's path must be short, which that of a test's folder is not.
        self._folder = tempfile.TemporaryDirectory(prefix="warm-")
        self._address = f"{self._folder.name}/asked"
        self._process = subprocess.Popen(
            [sys.executable, __file__, self._address],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "GX_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"},
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n", "a library could not be imported"

    def run(
        self, arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """Run a module, or `-c` and a script, with arguments, and wait for it."""
        with (
            tempfile.TemporaryFile("w+") as out,
            tempfile.TemporaryFile("w+") as err,
            tempfile.TemporaryFile() as nothing,
        ):
            streams = [nothing.fileno(), out.fileno(), err.fileno()]
            fork = Fork(self._address, arguments, cwd=str(cwd), env=env, streams=streams)
            try:
                status = fork.wait(timeout)
            finally:
                fork.kill()
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(list(arguments), status, out.read(), err.read())

    def close(self) -> None:
        """End it; it ends by itself when this process does."""
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()


@cache
def warm_process() -> WarmProcess:
    """That of this process, which needs but one."""
    made = WarmProcess()
    atexit.register(made.close)
    return made


class _Popen(subprocess.Popen[Any]):
    """Stands for `subprocess.Popen` in a fork: workers are forks too, all else is as ever."""

    def __new__(cls, args: Any, *more: Any, **options: Any) -> Any:
        is_worker = list(args[:2]) == [sys.executable, "-m"] and args[2] in _WORKERS
        return _worker(args[2:], options["env"]) if is_worker else super().__new__(cls)


def _worker(arguments: Sequence[str], env: Mapping[str, str]) -> Fork:
    theirs_in, ours_in = os.pipe()
    ours_out, theirs_out = os.pipe()
    nothing = os.open(os.devnull, os.O_WRONLY)
    streams = [theirs_in, theirs_out, nothing]
    fork = Fork(os.environ[_AT], arguments, cwd=str(Path.cwd()), env=env, streams=streams)
    for stream in streams:
        os.close(stream)
    fork.stdin = os.fdopen(ours_in, "w", encoding="utf-8")
    fork.stdout = os.fdopen(ours_out, encoding="utf-8")
    return fork


def _serve(address: str) -> list[str]:
    """Fork for everyone who asks, until the tests end; in a fork, what it is to run."""
    listener = socket.socket(*_MESSAGES)
    listener.bind(address)
    listener.listen(16)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    # As in the workers of a refresh: what the libraries hold they hold to the end.
    gc.set_threshold(50_000, 20, 100)
    print("ready", flush=True)
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            return _attend(connection)
        connection.close()


def _attend(connection: socket.socket) -> list[str]:
    """In a process between: start the module, tell how it ended. In the module's own: its words."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    body, streams, _, _ = socket.recv_fds(connection, _LONGEST, 3)
    request = json.loads(body)
    pid = os.fork()
    if pid == 0:
        connection.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["env"])
        sys.path[0] = request["cwd"]
        for number, name in enumerate(("stdin", "stdout", "stderr")):
            mode = "r" if number == 0 else "w"
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))
        subprocess.Popen = _Popen  # type: ignore[misc]
        words: list[str] = request["arguments"]
        return words
    for stream in streams:
        os.close(stream)
    connection.send(str(pid).encode())
    # Its number is not free for another process, which `kill` would meet, until nobody asks for it.
    ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert ended is not None
    status = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
    with contextlib.suppress(ConnectionError):
        connection.send(str(status).encode())
        connection.recv(1)  # returns when it is closed at the other end
    os.waitpid(pid, 0)
    os._exit(0)


def _end_with_the_tests() -> None:
    """A child that ends this process when the tests' end of its input is gone."""
    server = os.getpid()
    if os.fork() == 0:
        os.read(0, 1)
        with contextlib.suppress(ProcessLookupError):
            os.kill(server, signal.SIGKILL)
        os._exit(0)


def _run(words: list[str]) -> int:
    """Run a module as `python -m` does, or after `-c` a script; its status."""
    sys.argv = words
    try:
        if words[0] == "-c":
            sys.argv = ["-c", *words[2:]]
            exec(compile(words[1], "<string>", "exec"), {"__name__": "__main__"})
        else:
            runpy.run_module(words[0], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
            return 1
        return end.code or 0
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    for library in _LIBRARIES:
        __import__(library)
    _end_with_the_tests()
    status = _run(_serve(sys.argv[1]))
    # Not as a process ends by itself: that takes the libraries apart, which are not only its own.
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
