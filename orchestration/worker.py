"""A child process that is started before its work is there, and never outlives its parent.

Some libraries take seconds to import; a child imports them while the parent does something else.
The two speak lines of JSON. When the parent dies, the end of the child's input ends the child at
once, so that no orphan writes into a work database that the next refresh has already begun.

Does not belong here: what is said (dbt_worker.py, quality_worker.py).
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import IO, Any, Self

_ORPHANED = 70
"""Exit status of a child whose parent died."""


class Worker:
    """The parent's side.

    Args:
        module: name of the module to run, which calls `serve`.
        argument: what it gets, any JSON value.
        environment: of the process.

    The process starts at once; use as a context manager, so that it ends with its work.
    """

    def __init__(self, module: str, argument: object, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, json.dumps(argument)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(environment),
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """Id of the process."""
        return self._process.pid

    def close(self) -> None:
        """End the process if it has not ended."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def join(self, seconds: float = 60.0) -> None:
        """Wait until the child has ended and so has let go of its files."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def send(self, request: object) -> None:
        """Give the child its work; one that has died already is told by `replies`."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()

    def replies(self) -> Iterator[dict[str, Any]]:
        """What the child says, until it ends."""
        assert self._process.stdout is not None
        for text in self._process.stdout:
            line: dict[str, Any] = json.loads(text)
            yield line


def serve(
    work: Callable[[Any, Callable[[], Any], Callable[[Mapping[str, Any]], None]], None],
) -> None:
    """The child's side, for the `__main__` of a worker module.

    Args:
        work: gets the argument, a function that waits for the request, and one that replies.
    """
    # A worker lives for one piece of work, and what its libraries hold they hold to the end.
    gc.set_threshold(50_000, 20, 100)
    # Whatever libraries print is kept out of the way of the replies.
    pipe = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def request() -> Any:
        line = sys.stdin.readline()
        if not line:
            os._exit(_ORPHANED)
        threading.Thread(target=_end_with_parent, args=(sys.stdin,), daemon=True).start()
        return json.loads(line)

    def reply(values: Mapping[str, Any]) -> None:
        pipe.write(json.dumps(values) + "\n")
        pipe.flush()

    work(json.loads(sys.argv[1]), request, reply)
    # Threads of libraries must not keep a worker that has done its work.
    pipe.flush()
    os._exit(0)


def _end_with_parent(requests: IO[str]) -> None:
    requests.read()
    os._exit(_ORPHANED)
