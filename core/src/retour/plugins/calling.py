"""One call to a provider: its time, its answer's type down to its fields, and what a failure means.

`PaymentCaller` and `ShippingCaller` call by this, and nothing else in retour calls a provider. Every call has its time,
is made only where the provider declares that it can be, and gives an answer of the right type, or a `ProviderError`.
What an implementation raised that is not its own `ProviderError`, and an answer of a wrong type, leaves a write unclear
and makes a read unavailable. Of such an exception nothing is kept but its type and where it was raised: its words may
be a secret or about a person. A provider is handed values of its own, and what it answers or raises is taken as it is
at that moment.
"""

from __future__ import annotations

import datetime
import logging
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from typing import Any, TypeAlias, TypeVar, get_origin

import attrs

from retour.model.asking import asking
from retour.model.errors import AskedWithin, InvalidValue
from retour.model.fields import check_again, wanted_instead
from retour.model.frozen import frozen
from retour.model.making import apart
from retour.model.reasons import Reason, ReasonCode, reason
from retour.providers.capabilities import PaymentCapabilities, ShippingCapabilities
from retour.providers.errors import Disposition, ErrorCode, ProviderError
from retour.providers.http import DEADLINE_SECONDS, time_limit
from retour.providers.write_limit import writes_are_too_late

log = logging.getLogger("retour.plugins")

MOST_ANSWERS = 10_000
"""Refunds of one payment, or shipments of one order, that are read at most: an answer that never ends is none."""

_Answer = TypeVar("_Answer")

About: TypeAlias = Callable[[Any], bool]
"""Whether an answer is about what was asked."""

LONGEST_WAIT = datetime.timedelta(days=366)
"""The longest time that a provider can ask us to wait before the next try."""


@attrs.define
class Heard:
    """What providers said of how they are asked: whether it is ``too_often``."""

    too_often: bool = False


_heard: ContextVar[Heard | None] = ContextVar("retour_heard_of_providers", default=None)


@contextmanager
def hearing() -> Iterator[Heard]:
    """Hear what the providers that are called in this block say of how they are asked."""
    heard = Heard()
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)


@frozen(kw_only=True)
class Caller:
    """What `PaymentCaller` and `ShippingCaller` have in common: who calls, whose fault a failure is, and how a read and
    a write fail. ``origin`` is the distribution to blame for what it does."""

    name: str
    capabilities: PaymentCapabilities | ShippingCapabilities
    origin: str
    _provider: Any = attrs.field(repr=False)

    @property
    def reads_webhooks(self) -> bool:
        """Whether it reads webhooks."""
        return self.capabilities.reads_webhooks

    def check_settings(self) -> None:
        """One cheap call that shows that the settings work; raises where they do not."""
        self._read("check_settings", None, declared=self.capabilities.check_settings.usable)

    def _read(
        self,
        method: str,
        kind: Any,
        *arguments: object,
        declared: bool = True,
        about: About | None = None,
        refuses: type[Exception] = ProviderError,
    ) -> Any:
        return called(
            self,
            self._provider,
            method,
            kind,
            arguments,
            declared=declared,
            failed=ErrorCode.UNAVAILABLE,
            refuses=refuses,
            about=about,
        )

    def _write(self, method: str, kind: type[_Answer], *arguments: object, declared: bool, about: About) -> _Answer:
        """One that speaks to its provider in another way than by its session is stopped here at least."""
        if writes_are_too_late():
            raise ProviderError(ErrorCode.NOT_SENT, f"it was too late for {method}")
        done: _Answer = called(
            self,
            self._provider,
            method,
            kind,
            arguments,
            declared=declared,
            failed=ErrorCode.OUTCOME_UNKNOWN,
            about=about,
        )
        return done


class ProviderBroke(ProviderError):
    """A provider's plugin did what no provider may: raised something of its own, or answered with something else."""

    def __init__(self, failed: ErrorCode, why: str, *, plugin: str, origin: str, method: str) -> None:
        super().__init__(failed, f"plugin {plugin} ({origin}) failed in {method}: {why}")
        self._broke = reason(ReasonCode.PLUGIN_FAILED, why, plugin=plugin, origin=origin, hook=method)

    @property
    def reason(self) -> Reason:
        """Whose fault it is, for the timeline of the staff."""
        return self._broke


class AboutAnother(ProviderBroke):
    """A provider answered about something else than it was asked about: ``found``, which is a fact of its own."""

    def __init__(self, failed: ErrorCode, why: str, found: Any, *, plugin: str, origin: str, method: str):
        super().__init__(failed, why, plugin=plugin, origin=origin, method=method)
        self.found = found


def called(
    caller: Caller,
    provider: object,
    method: str,
    kind: Any,
    arguments: Sequence[object],
    *,
    declared: bool,
    failed: ErrorCode,
    refuses: type[Exception] = ProviderError,
    about: About | None = None,
) -> Any:
    """What ``method`` answers, of type ``kind`` and ``about`` what it was asked about.

    Raises the provider's own `ProviderError` (and what it ``refuses`` with); all else is ``failed``.
    """
    if not declared:
        raise ProviderError(ErrorCode.CONFIGURATION, f"{caller.name} does not declare {method}")
    place = ""
    another: Any = None
    try:
        own: list[Any] = [apart(one) for one in arguments]
        with time_limit(DEADLINE_SECONDS), asking(f"{method} of plugin {caller.name}"):
            given = getattr(provider, method)(*own)
            answer: Any = apart(_listed(given) if get_origin(kind) is Sequence else given)
            wanted = wanted_instead(answer, kind)
            if wanted is not None:
                why = f"it answered {type(answer).__name__}, which is not what the contract says: {wanted}"
            elif about is not None and answer is not None and not about(answer):
                check_again(answer)
                why, another = "it answered about something else than it was asked about", answer
            else:
                check_again(answer)
                return answer
    except KeyboardInterrupt:
        raise
    except ProviderError as error:
        said = _as_said(error)
        if said is not None:
            _note(said)
            raise said from None
        why = "its ProviderError is not whole"
    except AskedWithin as error:
        why = str(error)
    except InvalidValue as error:  # in words of ours, of its field
        why, place = str(error), _place(error)
    except refuses:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever an implementation can do, it does to itself alone
        why, place = type(error).__name__, _place(error)
    # Raised outside of the handlers: a host that logs this error with what it came from has no words of the other.
    blamed = {"plugin": caller.name, "origin": caller.origin, "method": method}
    broke = ProviderBroke(failed, why, **blamed) if another is None else AboutAnother(failed, why, another, **blamed)
    log.error("%s %s", broke.message, place)
    raise broke


def _note(error: ProviderError) -> None:
    heard = _heard.get()
    if heard is not None and error.code is ErrorCode.RATE_LIMITED:
        heard.too_often = True


def _listed(answer: Any) -> Sequence[object]:
    """All of an answer of several, which may be made while it is read. Raises TypeError for what is no such answer."""
    if isinstance(answer, str | bytes | Mapping) or not isinstance(answer, Iterable):
        raise TypeError
    found = list(islice(answer, MOST_ANSWERS + 1))
    if len(found) > MOST_ANSWERS:
        raise OverflowError
    return found


def _as_said(error: ProviderError) -> ProviderError | None:
    """What an error says now, which its plugin cannot change any more; None where it does not hold what the core
    decides by."""
    code, disposition, wait = (getattr(error, name, None) for name in ("code", "disposition", "not_before"))
    message, provider_code, status = (
        getattr(error, name, None) for name in ("message", "provider_code", "http_status")
    )
    if not isinstance(code, ErrorCode) or not isinstance(disposition, Disposition):
        return None
    if any(wanted_instead(one, str) is not None for one in (message, provider_code)):
        return None
    if wait is not None and not isinstance(wait, datetime.timedelta):
        return None
    if wait is not None and not datetime.timedelta(0) <= wait <= LONGEST_WAIT:
        return None
    said = ProviderError(
        code,
        str(message),
        disposition=disposition,
        provider_code=str(provider_code),
        http_status=status if isinstance(status, int) else None,
        not_before=wait,
    )
    return said.with_traceback(error.__traceback__)


def _place(error: BaseException) -> str:
    """Where an exception was raised, for the developer who looks: files and lines, and nothing that was in them."""
    frames = traceback.extract_tb(error.__traceback__)[1:] or traceback.extract_tb(error.__traceback__)
    return " > ".join([f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames[-4:]])
