"""Cassettes: a provider's answers, recorded once and played ever after. vcrpy keeps them; what it lacks is here."""

from __future__ import annotations

import copy
import datetime
import logging
import os
import pkgutil
import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import attrs
import pytest
import vcr
from vcr.errors import MissingMetadataError

from retour.model.order import BankAccount, Mode, Order, Payment
from retour.providers.http import ProviderSession
from retour.providers.settings import Secret, mode_of, read_settings
from retour.sandbox.movable_clock import SandboxClock
from retour.testing.cassette_files import CassetteFile, CassetteYaml
from retour.testing.connections import OTHERS, patches
from retour.testing.differences import differences
from retour.testing.leftovers import Leftovers, Personal
from retour.testing.loopback import loopback_only, reaching
from retour.testing.scrubbing import LEAST_SECRET, Scrubber

_Provider = TypeVar("_Provider")

SANDBOX_TIME = datetime.datetime(2026, 1, 5, 9, 0, tzinfo=datetime.UTC)
"""Where a sandbox's clock stands when a recording begins, so that the same sandbox answers the same."""

REQUEST_HEADERS = frozenset({"authorization", "content-type"})
"""Headers of a request that are kept and compared, besides the provider's idempotency header."""

ANSWER_HEADERS = frozenset({"content-type", "location", "retry-after"})
"""Headers of an answer that are kept."""


_LIVE_KEY = re.compile(r"(?:[a-z]{2}_)?live_")
"""How live keys begin, at providers that say so in the key."""


class NotOnCassette(AssertionError):
    """A test made a request that was not recorded, or not so often. It went nowhere."""


@attrs.frozen(kw_only=True)
class Source:
    """Where a cassette is recorded from: the provider's real API with these ``settings``, or else its sandbox."""

    real: bool
    settings: Mapping[str, str]


def recording_source(environment: Mapping[str, str], given: Mapping[str, str], *, has_sandbox: bool) -> Source:
    """Decide where to record from. ``environment`` says which variable holds which setting, ``given`` what they hold.

    The real API where all of them are there, the sandbox where none is. Raises `ValueError`, with a sentence, where
    only some are: a test recorded from something else than its author believes is worth nothing.
    """
    found = {setting: given[variable] for setting, variable in environment.items() if given.get(variable)}
    missing = [variable for setting, variable in environment.items() if setting not in found]
    if found and missing:
        raise ValueError(f"to record from the real API, set {' and '.join(missing)} too; or unset the others")
    if not found and not has_sandbox:
        needed = " and ".join(environment.values()) or "an environment variable for each secret setting"
        raise ValueError(f"there is nothing to record from: the provider has no sandbox; set {needed}")
    return Source(real=bool(found), settings=found)


def live_fault(settings: Any, variables: Iterable[str]) -> str:
    """Why nothing is recorded with these settings, whose keys are in ``variables``; nothing where they are test ones.

    They say so themselves, by `mode`, or by `mode_used` where their key can do both; what has the shape of a live key
    is one, whatever they say. Settings that do not know are not trusted: recording makes refunds.
    """
    named = " and ".join(variables)
    mode = mode_of(settings)
    if mode is Mode.LIVE or any(_LIVE_KEY.match(one) for _, one, _ in _secrets(settings, ())):
        return (
            f"{named} holds live keys, and to record would give real money back. Set test keys, or unset {named} to "
            "record from the sandbox. Nothing was sent."
        )
    if mode is not Mode.TEST:
        return (
            f"its settings do not say whether {named} is live: give them a property `mode`, which is Mode.TEST or "
            f"Mode.LIVE; or unset {named} to record from the sandbox. Nothing was sent."
        )
    return ""


class Cassette:
    """The recorded answers of one provider for one test; the fixture ``cassette`` makes it.

    ``path`` is its file, ``recording`` says whether it is recorded now, ``sandbox`` is what it is recorded from if
    that is a sandbox, and ``now`` the time there when the recording began, for signatures that grow old. ``refused``
    says of each request that was not on it what differs.
    """

    def __init__(self, path: Path, *, test: str, record: bool, today: datetime.date | None = None) -> None:
        self.path = path
        self.recording = record
        self.sandbox: Any = None
        self.now = SANDBOX_TIME
        self._test = test
        self._today = today or datetime.datetime.now(datetime.UTC).date()
        self._leftovers = Leftovers()
        self._file = CassetteFile(path, record=record, look=self._leftovers.places)
        self._scrubber = Scrubber()
        self._request_headers = set(REQUEST_HEADERS)
        self._answer_headers = set(ANSWER_HEADERS)
        self._kind: type[Any] | None = None
        self._tape: Any = None
        self._source: Source | None = None
        self._facts: dict[str, Any] = {}
        self._asked_facts: set[str] = set()
        self.refused: list[str] = []
        self._open = ExitStack()
        self._inserted = ExitStack()

    def __enter__(self) -> Cassette:
        self._open.enter_context(loopback_only())
        self._open.enter_context(self._inserted)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    # --- what a test asks for ----------------------------------------------------------------------------

    def provider(
        self,
        kind: type[_Provider],
        *,
        settings: Mapping[str, object],
        environment: Mapping[str, str] | None = None,
        headers: Iterable[str] = (),
        scrub: Iterable[str] = (),
        keep: Iterable[str] = (),
    ) -> _Provider:
        """The provider, which gets its answers from the cassette.

        ``settings`` are what it needs to be made, with made-up keys; without ``api_url`` they must lead to the
        provider's own address, which is what the cassette names wherever it was recorded. ``environment`` says which
        variables hold the real keys: ``{"api_key": "ACMEPAY_TEST_KEY"}``. ``headers`` are more headers that matter, of
        requests and of answers. ``scrub`` are names of fields to take out beyond ``retour.testing.scrubbing.FIELDS``,
        ``keep`` are names of those that are harmless here.

        Fails the test, with a sentence, where there is no cassette or nothing to record one from.
        """
        chosen: Any = kind
        if self._kind not in (None, kind):
            raise ValueError(f"one cassette is of one provider, and this one is of {self._kind}")
        played = _settings(chosen, settings)
        canonical = str(played.api_url).rstrip("/")
        self._scrubber.add(fields=scrub, keep=keep)
        self._take_out(played, environment or {})
        idempotency = getattr(chosen.capabilities, "idempotency", None)
        keyed = [idempotency.header] if idempotency and idempotency.header else []
        self._request_headers |= {name.lower() for name in [*headers, *keyed]}
        self._answer_headers |= {name.lower() for name in headers}
        used = played
        if self.recording:
            used = self._begin_recording(chosen, canonical, settings, environment or {})
        if self._kind is None:
            self._kind = kind
            self._insert()
        return kind(used, ProviderSession())  # type: ignore[call-arg]

    def fact(self, name: str, made: Callable[[Any], Any], *, environment: str = "") -> Any:
        """Something that is not in an answer: the reference of a payment, or that something happened at the provider.

        Recorded from a sandbox, it is what ``made(sandbox)`` gives (JSON); from the real API, what the environment
        variable ``environment`` holds; played, what it was. Use it for what a customer or a person in the dashboard
        does too: ``cassette.fact("refunded by hand", lambda sandbox: sandbox.refund_in_dashboard(…))``.
        """
        if self._tape is None:
            raise ValueError("ask for the provider first: the facts are of one")
        self._asked_facts.add(name)
        if not self.recording:
            if name not in self._facts:
                pytest.fail(f"{self._shown} does not know the fact {name!r}. {self._how_to_record}", pytrace=False)
            return copy.deepcopy(self._facts[name])
        if name in self._facts:
            raise ValueError(f"the fact {name!r} is there already")
        if self.sandbox is not None:
            found = made(self.sandbox)
        elif environment and os.environ.get(environment):
            found = os.environ[environment]
        else:
            wanted = f"set {environment}" if environment else "it can only be had from the sandbox; unset its keys"
            pytest.fail(f"the real API does not tell the fact {name!r}: {wanted}", pytrace=False)
        self._facts[name] = self._scrubber.value(found, name)
        return found

    def protect(self, *people: Personal) -> None:
        """Say whose data the test has: orders, payments, bank accounts; or a name, a mail address, an IBAN itself.

        Nothing is written while any of it is left in what was recorded. Of fixtures that are orders or payments it is
        known anyway.
        """
        for one in people:
            self._leftovers.person(one)

    def finish(self, fixtures: Iterable[object] = ()) -> str:
        """The test passed: write what was recorded, or say what was played wrongly. Gives all faults, or nothing.

        ``fixtures`` are the values of the test's own: what they hold of a person must not be written.
        """
        if self._tape is None:
            return ""
        if self.recording:
            return self._write(fixtures)
        left = [
            f"  {number}. {request.method} {request.uri}"
            for number, request in enumerate(self._tape.requests, start=1)
            if not self._tape.play_counts[number - 1]
        ]
        faults = list(self.refused)
        if left:
            faults.append("\n".join([f"{self._shown} holds requests that the test did not make:", *left]))
        unknown = sorted(set(self._facts) - self._asked_facts)
        if unknown:
            faults.append(f"{self._shown} holds facts that the test did not ask for: {', '.join(unknown)}")
        return "\n\n".join([*faults, self._how_to_record]) if faults else ""

    # --- recording ---------------------------------------------------------------------------------------

    def _write(self, fixtures: Iterable[object]) -> str:
        self._tape.get_metadata("recorded", self._how_recorded())
        if self._facts:
            self._tape.get_metadata("facts", self._facts)
        self.protect(*[one for one in fixtures if isinstance(one, Order | Payment | BankAccount)])
        self._file.keep = True
        self._inserted.close()  # vcrpy writes now
        if not self._file.left:
            return ""
        said = [f"{self._shown} was not written, since it would show", *[f"  {one}" for one in self._file.left]]
        return "\n".join([*said, "Name the field in scrub=[...] of cassette.provider(...), or leave the data out."])

    def _take_out(self, settings: Any, environment: Iterable[str]) -> None:
        """Take these settings' secrets out of everything, and look for them once more in the end."""
        for setting, value, secret in _secrets(settings, environment):
            self._scrubber.add(secrets=[value])
            if secret or len(value) >= LEAST_SECRET:
                self._leftovers.secret(f"the setting {setting}", value)

    def _begin_recording(
        self, kind: Any, canonical: str, settings: Mapping[str, object], environment: Mapping[str, str]
    ) -> Any:
        if self._source is None:
            try:
                self._source = recording_source(environment, os.environ, has_sandbox=hasattr(kind, "sandbox"))
            except ValueError as error:
                pytest.fail(f"{self._test} cannot be recorded: {error}", pytrace=False)
            if not self._source.real:
                made = pkgutil.resolve_name(kind.sandbox)(clock=SandboxClock(SANDBOX_TIME))
                self.sandbox = self._open.enter_context(made)
        known = self._source.settings if self._source.real else self.sandbox.settings
        used = _settings(kind, {**settings, **known})
        self._take_out(used, environment)
        self._scrubber.addresses[str(used.api_url).rstrip("/")] = canonical
        if self._source.real:
            fault = live_fault(used, environment.values())
            if fault:
                pytest.fail(f"{self._test} cannot be recorded: {fault}", pytrace=False)
            self._open.enter_context(reaching(urlsplit(str(used.api_url)).hostname or ""))
        return used

    def _how_recorded(self) -> dict[str, str]:
        assert self._kind is not None  # noqa: S101 - for the type checker: there is a tape, so there is a provider
        kind: Any = self._kind
        source = "the real API" if self._source is not None and self._source.real else f"the sandbox {kind.sandbox}"
        return {"from": source, "date": self._today.isoformat()}

    # --- playing -----------------------------------------------------------------------------------------

    def _insert(self) -> None:
        """Put the cassette in: from now on nothing that speaks through urllib3 gets past it."""
        if not self.recording and not self.path.is_file():
            pytest.fail(f"there is no cassette {self._shown}. {self._how_to_record}", pytrace=False)
        recorder = vcr.VCR(
            record_mode="all" if self.recording else "none",
            serializer="readable",
            match_on=["everything"],
            before_record_request=self._tidy_request,
            before_record_response=self._tidy_answer,
            custom_patches=patches(record=self.recording, refuse=self._refuse),
            skip_patchers=OTHERS,
        )
        recorder.register_serializer("readable", CassetteYaml)
        recorder.register_matcher("everything", _match)
        recorder.register_persister(self._file)
        log = logging.getLogger("vcr")  # it tells what it records before anything is taken out
        self._inserted.callback(log.setLevel, log.level)
        log.setLevel(logging.WARNING)
        inserted: AbstractContextManager[Any] = recorder.use_cassette(str(self.path))
        self._tape = self._inserted.enter_context(inserted)
        if not self.recording:
            with suppress(MissingMetadataError):
                self._facts = dict(self._tape.get_metadata("facts", {}))

    def _tidy_request(self, request: Any) -> Any:
        """A request as it is kept and compared: at the provider's own address, with what matters, without secrets."""
        if self.recording:
            self._learn(_text(request.headers.get("Authorization", "")))
        kind = str(request.headers.get("Content-Type", ""))
        request.body = self._scrubber.body(request.body, kind) if request.body else None
        request.headers = {
            name: self._scrubber.header(name, _text(request.headers[name]))
            for name in sorted(request.headers, key=str.lower)
            if name.lower() in self._request_headers
        }
        address = urlsplit(self._scrubber.text(request.uri))
        query = urlencode(self._scrubber.pairs(parse_qsl(address.query, keep_blank_values=True)), safe="[]/:@,*")
        request.uri = urlunsplit((address.scheme, address.netloc, address.path, query, ""))
        return request

    def _learn(self, authorization: str) -> None:
        """Know what a request is authorized by: a token that was only now got is in no setting, and an answer may
        repeat it. Of HTTP's own ``Basic`` the password is, as it is and as it was sent."""
        scheme, _, given = authorization.partition(" ")
        known = {given or scheme}
        if scheme.lower() == "basic":
            with suppress(ValueError):
                known.add(b64decode(given).decode().partition(":")[2])
        for one in known:
            if len(one) >= LEAST_SECRET:
                self._scrubber.add(secrets=[one])
                self._leftovers.secret("what a request was authorized by", one)

    def _tidy_answer(self, answer: dict[str, Any]) -> dict[str, Any]:
        """An answer as it is kept."""
        kind = next((values[0] for name, values in answer["headers"].items() if name.lower() == "content-type"), "")
        body = answer["body"]["string"]
        return {
            "status": answer["status"],
            "headers": {
                name: [self._scrubber.header(name, value) for value in answer["headers"][name]]
                for name in sorted(answer["headers"], key=str.lower)
                if name.lower() in self._answer_headers
            },
            "body": {"string": self._scrubber.body(body, kind).encode() if body else b""},
        }

    def _refuse(self, request: Any) -> NoReturn:
        """Say what is wrong with a request, now and, should somebody swallow it, at the end of the test again."""
        sent = self._tape.filter_request(request)
        said = [f"{self._shown} does not answer this request:", f"  {sent.method} {sent.uri}"]
        nearest = sorted(
            (len(found), number, old.method, old.uri, found)
            for number, old in enumerate(self._tape.requests, start=1)
            for found in [differences(old, sent)]
        )
        if not nearest:
            said.append("Nothing was recorded.")
        elif nearest[0][0] == 0:
            same = [number for count, number, *_ in nearest if count == 0]
            said.append(f"It was recorded {_times(len(same))} and made once more.")
        else:
            _, number, method, uri, found = nearest[0]
            said += [f"The nearest is number {number}, {method} {uri}. What differs:", *[f"  {one}" for one in found]]
        message = "\n".join(said)
        self.refused.append(message)
        raise NotOnCassette(f"{message}\n{self._how_to_record}")

    @property
    def _shown(self) -> str:
        """The file as a person finds it: from where the tests are run, if it lies below."""
        here = Path.cwd()
        return str(self.path.relative_to(here) if self.path.is_relative_to(here) else self.path)

    @property
    def _how_to_record(self) -> str:
        return f"To record it: pytest '{self._test}' --retour-record"


def _match(sent: Any, recorded: Any) -> None:
    """vcrpy's way to compare: an AssertionError says what differs."""
    found = differences(recorded, sent)
    if found:
        raise AssertionError("; ".join(found))


def _settings(kind: Any, given: Mapping[str, object]) -> Any:
    made, faults = read_settings(kind.settings_type, given, kind.name)
    if faults:
        raise ValueError("; ".join([str(fault) for fault in faults]))
    if not hasattr(made, "api_url"):
        raise ValueError(f"the settings of {kind.name} have no api_url, so a cassette does not know its address")
    return made


def _secrets(settings: Any, environment: Iterable[str]) -> Iterator[tuple[str, str, bool]]:
    """All secrets among the settings, and what is in the environment where it is real: setting, value, is it a secret.

    The latter played as well, or a made-up account in a path would not match the real one that was taken out.
    """
    for field in attrs.fields(type(settings)):
        value = getattr(settings, field.name)
        for one in value if isinstance(value, tuple | list) else [value]:
            if isinstance(one, Secret):
                yield field.name, one.reveal(), True
            elif field.name in environment and field.name != "api_url":
                yield field.name, str(one), False


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
