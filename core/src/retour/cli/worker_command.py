"""`retour worker`: does what is due, again and again, on the desk of a host's module."""

from __future__ import annotations

import faulthandler
import logging
import os
import queue
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import click
from sqlalchemy.exc import SQLAlchemyError

from retour.cli.language import LANGUAGE, default_language, language_option
from retour.cli.named_desk import SIGNALS, desk_at, desk_option
from retour.cli.words import text, texts
from retour.desk import ReturnDesk
from retour.desk.work import MOST_SIDE_BY_SIDE, one_at_a_time
from retour.model.errors import RetourError
from retour.model.frozen import frozen
from retour.model.text import Text

log = logging.getLogger("retour.worker")

SIDE_BY_SIDE = 8
"""Orders whose effects are done at once, where nobody says how many."""

IN_A_ROUND, LONGEST_TAKING = 1000, 60.0
"""Effects that one round takes at most, and seconds after which it takes no more."""

LONGEST_ROUND = 300.0
"""Seconds after which a round stands still: it takes for a minute, and what it has taken ends within two more, where
all of it ends."""


@click.command(name="worker")
@desk_option
@click.option(
    "--every",
    "pause",
    type=click.FloatRange(min=0, min_open=True),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="The pause when there is nothing to do, and after an error.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, MOST_SIDE_BY_SIDE),
    metavar="ORDERS",
    help="How many orders are worked on side by side; for a database in memory, one.",
)
@click.option(
    "--longest",
    type=click.FloatRange(min=0, min_open=True),
    default=LONGEST_ROUND,
    show_default=True,
    metavar="SECONDS",
    help="How long one round may take before the worker ends itself, with exit code 1 and where it stood still.",
)
@click.option("--once", is_flag=True, help="Do what is due now, then end: for cron.")
@language_option
@click.pass_context
def command(
    ctx: click.Context,
    where: str,
    pause: float,
    concurrency: int | None,
    longest: float,
    once: bool,
    lang: str | None,
) -> None:
    """Do what is due, again and again: stock to book, refunds to send and to ask about, returns that expire.

    SIGTERM and SIGINT (Ctrl-C) stop it when the work at hand is finished, with exit code 0; a second one ends it at
    once. Any number of workers can run.
    """
    language = lang or default_language()
    ctx.meta[LANGUAGE] = language
    _log_to_the_terminal()
    desk = desk_at(where)
    try:
        with _Stop.on_signals(language) as stop:
            rounds = _Rounds(desk, stop, _side_by_side(desk, concurrency, language), longest, language)
            if once:
                while not stop.asked and rounds.one():
                    pass
            else:
                _work(rounds, pause)
    finally:
        desk.close()


def _side_by_side(desk: ReturnDesk, asked: int | None, language: str) -> int:
    """How many orders are worked on at once: as many as were ``asked`` for, else the usual number, or as many as its
    store can take. Raises `InvalidArgument` where more were asked for."""
    most = desk.most_side_by_side
    if asked is not None and asked > most:
        raise one_at_a_time()
    if asked is None and most < SIDE_BY_SIDE:
        _say(text("The database is in memory: one order is worked on after the other."), language)
    return min(asked or SIDE_BY_SIDE, most)


def _work(rounds: _Rounds, pause: float) -> None:
    """Round after round until the stop; no error ends it."""
    stop, language = rounds.stop, rounds.language
    _say(text("The worker has started. It looks for work every {seconds} seconds.", seconds=f"{pause:g}"), language)
    while not stop.asked:
        try:
            busy = rounds.one()
        except (RetourError, SQLAlchemyError) as error:
            said = error.text(language) if isinstance(error, RetourError) else str(error).partition("\n")[0]
            words = text(
                "{error} Tried again in {seconds} seconds.", error=" ".join(said.split()), seconds=f"{pause:g}"
            )
            log.error("%s", words.render(language))
            log.debug("the round failed", exc_info=True)
            busy = False
        except Exception:
            log.exception("the round failed")  # the host's own code: it needs to see where
            busy = False
        if not busy:
            stop.wait(pause)
    _say(text("The worker has stopped."), language)


@frozen
class _Rounds:
    """Rounds of work at a desk, each of so many orders side by side."""

    desk: ReturnDesk
    stop: _Stop
    concurrency: int
    longest: float
    language: str

    def one(self) -> bool:
        """One round; gives whether there was anything to do, and says what."""
        began = time.monotonic()
        with _ended_after(self.longest):
            report = self.desk.work(
                limit=IN_A_ROUND,
                concurrency=self.concurrency,
                stop=lambda: self.stop.asked or time.monotonic() - began > LONGEST_TAKING,
            )
        if report.idle:
            return False
        parts: list[Text | str] = [text("{count} done", count=report.done)]
        if report.failed:
            parts.append(text("{count} failed, tried again later", count=report.failed))
        if report.expired:
            parts.append(texts("{count} return expired", "{count} returns expired", report.expired))
        if report.forgotten:
            parts.append(texts("{count} note forgotten", "{count} notes forgotten", report.forgotten))
        if report.pruned:
            parts.append(text("{count} deleted that were done long ago", count=report.pruned))
        if report.completed:
            parts.append(
                texts("{count} order filled in on lists", "{count} orders filled in on lists", report.completed)
            )
        _say(text("{parts}", parts=parts), self.language)
        return True


@contextmanager
def _ended_after(seconds: float) -> Iterator[None]:
    """End the process where this takes longer, and write where each thread was: nothing else ends a call that never
    returns, whatever it waits for. What it was doing is then taken over as after any crash.

    A thread of ours does it, which holds the interpreter meanwhile: where the others run on while they are looked at,
    the process may end by a segmentation fault. Where a call never lets the interpreter go, that way is the only one.
    """
    over = threading.Event()

    def end() -> None:
        if not over.wait(seconds):
            faulthandler.dump_traceback(file=_ERROR_OUTPUT, all_threads=True)
            os._exit(1)

    threading.Thread(target=end, name="retour-end", daemon=True).start()
    faulthandler.dump_traceback_later(seconds + _UNTIL_FORCED, file=_ERROR_OUTPUT, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        over.set()


_ERROR_OUTPUT = 2

_UNTIL_FORCED = 5.0
"""Seconds that a thread of ours has to end the process."""


class _Stop:
    """Whether somebody asked for a stop, and a pause that a stop ends."""

    def __init__(self) -> None:
        self.asked = False
        # A SimpleQueue may be filled by a signal's handler while its own thread waits on it; an Event may not.
        self._asked: queue.SimpleQueue[None] = queue.SimpleQueue()

    @classmethod
    @contextmanager
    def on_signals(cls, language: str) -> Iterator[_Stop]:
        """A stop at the first signal; the second has its usual effect and ends the process."""
        stop = cls()
        words = text("Stopping when the work at hand is finished. A second signal ends it at once.").render(language)

        def asked(_: int, __: FrameType | None) -> None:
            for one in SIGNALS:
                signal.signal(one, signal.SIG_DFL)
            stop.asked = True
            stop._asked.put(None)
            with suppress(OSError):
                os.write(2, f"{words}\n".encode())  # not the log: the signal may have interrupted a line of it

        before = {one: signal.signal(one, asked) for one in SIGNALS}
        try:
            yield stop
        finally:
            for one, handler in before.items():
                signal.signal(one, signal.SIG_DFL if handler is None else handler)

    def wait(self, seconds: float) -> None:
        """Wait, but not longer than until a stop."""
        with suppress(queue.Empty):
            self._asked.get(timeout=seconds)


def _say(words: Text, language: str) -> None:
    log.info("%s", words.render(language))


def _log_to_the_terminal() -> None:
    """Log to the error output, unless the host's module or ``--debug`` has set up something else."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if log.getEffectiveLevel() > logging.INFO:
        logging.getLogger("retour").setLevel(logging.INFO)
