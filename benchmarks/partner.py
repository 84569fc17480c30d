"""A process that is asked: one line of JSON to it, one line of JSON from it. It counts its own processor time.

Nothing but the standard library: it also runs in the environment of an SDK.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

_ROOT = Path(__file__).parent.parent


class Partner:
    """The other process, from ``with`` until its end. ``python`` runs ``module`` with ``arguments``."""

    def __init__(self, module: str, *arguments: str, python: str | os.PathLike[str] = sys.executable) -> None:
        command = [str(python), "-m", module, *arguments]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT, bufsize=1
        )

    def __enter__(self) -> Partner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait(timeout=60)

    def tell(self, **question: Any) -> None:
        """Ask, and do not wait for the answer."""
        if self._process.stdin is None:
            raise AssertionError("the process was started without an input")
        self._process.stdin.write(json.dumps(question) + "\n")

    def hear(self) -> Any:
        """The next answer. What the process wrote before it failed is on the error output."""
        line = self._process.stdout.readline() if self._process.stdout is not None else ""
        if not line:
            raise AssertionError(f"{' '.join(map(str, self._process.args))} ended without an answer")  # type: ignore[arg-type]
        return json.loads(line)

    def ask(self, **question: Any) -> Any:
        """Ask, and wait for the answer."""
        self.tell(**question)
        return self.hear()


def ask_all(partners: Sequence[Partner], **question: Any) -> list[Any]:
    """Ask several at once; gives all answers."""
    for one in partners:
        one.tell(**question)
    return [one.hear() for one in partners]


def answer(reply: Callable[..., Any], lines: Iterable[str] = sys.stdin) -> None:
    """In the other process: ``reply`` to each question until there is none."""
    for line in lines:
        print(json.dumps(reply(**json.loads(line))), flush=True)
