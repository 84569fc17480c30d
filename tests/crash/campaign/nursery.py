"""The nursery: a process that starts a campaign's people, suspends and kills them on request, and says who died.

It is forked before the campaign has threads and has everything imported, so that a new process costs a fork.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import traceback
from collections.abc import Mapping
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any, Protocol

import attrs


class World(Protocol):
    """What everybody works on: plain data, so that it can be sent to another process."""

    @property
    def folder(self) -> Path:
        """Where people write down what has to outlive them."""

    def live(self, role: str, number: int, life: int) -> None:
        """One life of one process."""


class Nursery:
    """The campaign's end of it."""

    def __init__(self) -> None:
        ours, theirs = Pipe()
        self._pid = os.fork()
        if self._pid == 0:
            ours.close()
            try:
                _run(theirs)
            finally:
                os._exit(0)
        theirs.close()
        self._ours = ours

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *_: object) -> None:
        self._ours.close()  # it kills who is left, and ends
        os.waitpid(self._pid, 0)

    def settle_in(self, world: World) -> None:
        """Tell it what everybody works on."""
        self._ask("world", world)

    def start(self, role: str, number: int, life: int) -> int:
        """Start a process; gives its id."""
        started: int = self._ask("start", (role, number, life))
        return started

    def kill(self, pid: int) -> bool:
        """Kill a process, if it is alive and was started here."""
        return self._signal(pid, signal.SIGKILL)

    def suspend(self, pid: int) -> bool:
        """Let a process stand still, wherever it is, if it is alive."""
        return self._signal(pid, signal.SIGSTOP)

    def wake(self, pid: int) -> bool:
        """Let a process go on that stands still, if it is alive."""
        return self._signal(pid, signal.SIGCONT)

    def _signal(self, pid: int, number: signal.Signals) -> bool:
        sent: bool = self._ask("signal", (pid, number))
        return sent

    def ended(self) -> Mapping[int, int]:
        """Who ended since it was last asked, and how: an exit code, or a signal below zero."""
        gone: Mapping[int, int] = self._ask("ended", None)
        return gone

    def _ask(self, what: str, about: object) -> Any:
        self._ours.send((what, about))
        return self._ours.recv()


@attrs.define
class _Children:
    world: World | None = None
    alive: set[int] = attrs.field(factory=set)

    def start(self, role: str, number: int, life: int) -> int:
        pid = os.fork()
        if pid == 0:
            assert self.world is not None
            code = 0
            try:
                self.world.live(role, number, life)
            except BaseException:  # noqa: BLE001 - written down, and the campaign fails
                code = 1
                said = json.dumps(f"{role} {number}: {traceback.format_exc()}")
                with (self.world.folder / "failures").open("a") as file:
                    file.write(f"{said}\n")
            os._exit(code)
        self.alive.add(pid)
        return pid

    def signal(self, pid: int, number: signal.Signals) -> bool:
        if pid in self.alive:
            os.kill(pid, number)
        return pid in self.alive

    def ended(self) -> dict[int, int]:
        gone = {}
        for pid in list(self.alive):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                self.alive.remove(pid)
                gone[pid] = os.waitstatus_to_exitcode(status)
        return gone


def _run(theirs: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the campaign's end ends it
    gc.freeze()  # what is there already is looked through, and its memory copied, by none of the forked
    children = _Children()
    try:
        while True:
            what, about = theirs.recv()
            if what == "world":
                children.world = about
                theirs.send(None)
            elif what == "start":
                theirs.send(children.start(*about))
            elif what == "signal":
                theirs.send(children.signal(*about))
            else:
                theirs.send(children.ended())
    except EOFError:
        for pid in children.alive:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
