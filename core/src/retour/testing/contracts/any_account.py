"""What the rules of payment and of shipping providers stand on alike: a provider's class, its sandbox, an account."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from functools import cache
from typing import Any, Protocol, TypeVar

import attrs
import pytest

from retour.plugins.registry import installed_plugins, load
from retour.providers.capabilities import PaymentCapabilities, ShippingCapabilities, Support
from retour.providers.errors import ProviderError
from retour.providers.http import ProviderSession
from retour.providers.settings import Secret, read_settings
from retour.providers.webhooks import WebhookRejected, WebhookTrust
from retour.sandbox import Fault, SandboxClock, SandboxRequest, SandboxResponse, SandboxServer

PATIENT = 10.0
"""Seconds that a provider waits for an answer where nothing goes wrong on the way."""

_T = TypeVar("_T")
_Test = TypeVar("_Test", bound=Callable[..., None])

_CAPABILITIES = frozenset(
    field.name for kind in (PaymentCapabilities, ShippingCapabilities) for field in attrs.fields(kind)
)


def needs(*capabilities: str) -> Callable[[_Test], _Test]:
    """A test of what a provider declares: skipped, with the reason, where ``capabilities`` (fields of
    `PaymentCapabilities` or `ShippingCapabilities`) say that it cannot. What is declared and not kept fails."""
    unknown = set(capabilities) - _CAPABILITIES
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))}: no such capability")

    def mark(test: _Test) -> _Test:
        test.__dict__["needs"] = capabilities
        return test

    return mark


def lacks(capabilities: PaymentCapabilities | ShippingCapabilities, capability: str) -> str:
    """What the data says if a provider lacks ``capability``; empty if it has it.

    Support is had when it is yes or partial; refunds by API only when it is yes, as the core sees it.
    """
    declared = getattr(capabilities, capability)
    if isinstance(declared, Support):
        has = declared is Support.YES if capability == "refund_by_api" else declared.usable
    else:
        has = declared is not None and declared is not False and declared is not WebhookTrust.NONE
    said = declared.value if isinstance(declared, Enum) else declared
    return "" if has else f"{capability} is {said}"


def skip_what_is_lacked(test: Any, kind: type[Any]) -> None:
    """Skip a test that `needs` what the provider ``kind`` declares that it cannot."""
    for capability in test.__dict__.get("needs", ()):
        if lack := lacks(kind.capabilities, capability):
            pytest.skip(f"{kind.name} declares that {lack}")


def another_secret(secret: str) -> str:
    """Another secret of the same kind: something is put after it, and what is hexadecimal stays so."""
    return f"{secret}0f" if _HEXADECIMAL.fullmatch(secret) else f"{secret}x"


_HEXADECIMAL = re.compile(r"(?:[0-9a-fA-F]{2})+")


class AnySandbox(Protocol):
    """What every provider's sandbox has."""

    clock: SandboxClock
    server: SandboxServer

    @property
    def provider(self) -> str: ...

    @property
    def url(self) -> str: ...

    @property
    def settings(self) -> Mapping[str, object]: ...


@attrs.frozen(kw_only=True)
class AnyAccount:
    """The account of a shop at the provider ``kind``, in its ``sandbox``.

    ``deadline`` is how many seconds the provider waits for an answer where one is held back.
    """

    sandbox: AnySandbox
    kind: type[Any]
    deadline: float

    # --- the provider ------------------------------------------------------------------------------------

    def settings(self, given: Mapping[str, object] | None = None) -> Any:
        """The settings of this account, read as the core reads them; or those that are ``given``."""
        settings, faults = read_settings(
            self.kind.settings_type, self.sandbox.settings if given is None else given, self.kind.name
        )
        assert faults == [], f"the settings of the sandbox are no settings of {self.kind.__name__}"
        return settings

    def provider(
        self,
        given: Mapping[str, object] | None = None,
        *,
        deadline: float = PATIENT,
        http: ProviderSession | None = None,
    ) -> Any:
        """A provider as the core makes it: the first time, or again after a crash."""
        return self.kind(self.settings(given), http or ProviderSession(deadline=deadline))

    def secrets(self) -> set[str]:
        """Everything that nobody may see: the secrets in the settings, and what authorised a call so far."""
        settings = self.settings()
        found = {secret.reveal() for field in attrs.fields(type(settings)) for secret in _secrets(settings, field.name)}
        for request in self.sandbox.server.requests:
            found.add(request.headers.get("authorization", "").rpartition(" ")[2])
        return found - {""}

    def with_other_secrets(self) -> dict[str, object] | None:
        """The account's settings with something put after each secret; None where they have none, or take no other."""
        hidden = self.secrets()

        def other(value: object) -> object:
            if isinstance(value, list | tuple):
                return [other(one) for one in value]
            return another_secret(value) if isinstance(value, str) and value in hidden else value

        given = {name: other(value) for name, value in self.sandbox.settings.items()}
        settings, _ = read_settings(self.kind.settings_type, given, self.kind.name)
        return None if settings is None or given == self.sandbox.settings else given

    # --- the wire ----------------------------------------------------------------------------------------

    def carries(self, sent: SandboxRequest, request: Any) -> bool:
        """Whether what was sent is this request."""
        raise NotImplementedError

    def sent(self, request: Any) -> list[SandboxRequest]:
        """Every time that this request went over the wire."""
        return [sent for sent in self.sandbox.server.requests if self.carries(sent, request)]

    @contextmanager
    def faults(self, *faults: Fault, of: Any = None) -> Iterator[None]:
        """The next requests go wrong, one for each fault: those of one request of ours, or without one whatever is
        asked."""
        server = self.sandbox.server
        before = server.faulty
        server.faulty = lambda sent: of is None or self.carries(sent, of)
        server.faults.extend(faults)
        try:
            yield
        finally:
            server.faults.clear()
            server.faulty = before

    @contextmanager
    def answers(
        self, change: Callable[[SandboxRequest, SandboxResponse], SandboxResponse], *, of: Any = None
    ) -> Iterator[None]:
        """The work is done, and its answer is changed on its way: that to a request of ours, or without one every
        answer."""
        server = self.sandbox.server
        handle = server.handle

        def changed(sent: SandboxRequest) -> SandboxResponse:
            response = handle(sent)
            return change(sent, response) if of is None or self.carries(sent, of) else response

        server.handle = changed
        try:
            yield
        finally:
            server.handle = handle


def kept_in(
    kept: list[SandboxResponse],
) -> Callable[[SandboxRequest, SandboxResponse], SandboxResponse]:
    """Answers stay as they are, and are kept (`AnyAccount.answers`)."""

    def keep(sent: SandboxRequest, response: SandboxResponse) -> SandboxResponse:
        del sent
        kept.append(response)
        return response

    return keep


def replaced_by(other: SandboxResponse) -> Callable[[SandboxRequest, SandboxResponse], SandboxResponse]:
    """The work is done, and this is answered (`AnyAccount.answers`)."""

    def replace(sent: SandboxRequest, response: SandboxResponse) -> SandboxResponse:
        del sent, response
        return other

    return replace


def json_of(response: SandboxResponse) -> Any:
    """The JSON of an answer, None if it holds none."""
    try:
        return json.loads(response.encoded())
    except ValueError:
        return None


def words_of(told: object) -> str:
    """Every text in what a provider tells: a result, something refundable, an error."""
    if isinstance(told, ProviderError):
        return f"{told!r} {told.message} {told.provider_code}"
    return repr(told)


def outcome(call: Callable[[], _T], why: str = "") -> _T | ProviderError:
    """What a call answers, or the `ProviderError` that it raises; a test fails, with ``why``, if it raises another."""
    try:
        return call()
    except ProviderError as error:
        return error
    except WebhookRejected:
        raise
    except Exception as error:  # noqa: BLE001 - whatever else it raises, the core would not know what it means
        pytest.fail(f"{why}: it raised {error!r}, and a provider raises ProviderError only")


def refused(call: Callable[[], object], why: str) -> ProviderError:
    """The `ProviderError` that a call raises; a test fails, with ``why``, if it raises none or another."""
    answered = outcome(call, why)
    if not isinstance(answered, ProviderError):
        pytest.fail(f"{why}: it answered {answered!r}")
    return answered


def _secrets(settings: object, name: str) -> Iterable[Secret]:
    value = getattr(settings, name)
    if isinstance(value, Secret):
        return [value]
    return [one for one in value if isinstance(one, Secret)] if isinstance(value, tuple | list | frozenset) else []


@cache
def handed_over(name: str, hook: str) -> type[Any] | None:
    """The provider called ``name`` that an installed plugin hands over by a ``hook``, the plugin of that name first."""
    for plugin in sorted(installed_plugins(), key=lambda plugin: (plugin != name, plugin)):
        kinds: Iterable[type[Any]] = getattr(load([plugin]).plugins[plugin], hook)
        for kind in kinds:
            if kind.name == name:
                return kind
    return None
