"""The typed caller of providers: one method for each call of the contract, and the policy for one that fails.

Nothing else in retour calls a provider. Every call has its time, is made only where the provider declares that it can
be, and gives an answer of the right type down to its fields, or a `ProviderError`. What an implementation raised that
is not its own `ProviderError`, and an answer of a wrong type, leaves a write unclear and makes a read unavailable. Of
such an exception nothing is kept but its type and where it was raised: its words may be a secret or about a person.
A provider is handed values of its own, and what it answers or raises is taken as it is at that moment.
"""

from __future__ import annotations

import datetime
import logging
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, TypeAlias, get_origin

import attrs

from retour.model.asking import asking
from retour.model.destinations import Destination
from retour.model.errors import AskedWithin, InvalidValue
from retour.model.fields import Id, check_again, wanted_instead
from retour.model.making import apart
from retour.model.order import Mode, Order, Payment
from retour.model.reasons import Reason, ReasonCode, reason
from retour.model.refunds import LinkRequest, RefundLink
from retour.model.shipping import ShippingOption
from retour.providers.capabilities import PaymentCapabilities, ShippingCapabilities
from retour.providers.errors import Disposition, ErrorCode, ProviderError
from retour.providers.http import DEADLINE_SECONDS, time_limit
from retour.providers.refund_request import Refundable, RefundRequest, RefundResult
from retour.providers.webhooks import RawWebhook, ToFetch, VerifiedEvents, WebhookRejected
from retour.providers.write_limit import writes_are_too_late

log = logging.getLogger("retour.plugins")

MOST_REFUNDS = 10_000
"""Refunds of one payment that are read at most: an answer that never ends is none."""

About: TypeAlias = Callable[[RefundResult], bool]
"""Whether an answer is about what was asked."""

LONGEST_WAIT = datetime.timedelta(days=366)
"""The longest time that a provider can ask us to wait before the next try."""


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
    """A provider answered about another refund than it was asked about: ``found``, which is a fact of its own."""

    def __init__(self, failed: ErrorCode, why: str, found: RefundResult, *, plugin: str, origin: str, method: str):
        super().__init__(failed, why, plugin=plugin, origin=origin, method=method)
        self.found = found


@attrs.frozen(kw_only=True)
class PaymentCaller:
    """A payment provider of one shop, account and mode.

    ``origin`` is the distribution to blame for what it does, ``mode`` the one that its settings say they are of, None
    where they cannot tell. Each method ends within `DEADLINE_SECONDS`, as far as its
    network calls go, and raises `ProviderError` and nothing else; `KeyboardInterrupt` goes on up.
    """

    name: str
    display_name: str
    capabilities: PaymentCapabilities
    origin: str
    mode: Mode | None = None
    _provider: Any = attrs.field(repr=False)

    def refund_url(self, request: LinkRequest) -> RefundLink:
        """Where a person goes to refund a payment."""
        link: RefundLink = self._read("refund_url", RefundLink, request)
        return link

    def refundable(self, payment: Payment) -> Refundable:
        """What the provider says can be refunded of a payment; of one that cannot be read there, what the order says:
        the payment as the shop stored it is what is refunded, up to what was captured."""
        if self.capabilities.refunds and not self.capabilities.refundable.usable:
            return Refundable(target=payment.reference.strip(), remaining=payment.captured)
        able = self.capabilities.refundable.usable
        found: Refundable = self._read("refundable", Refundable, payment, declared=able)
        return found

    def payment_names(self, name: str) -> Sequence[str]:
        """Every name of the payment that is called ``name``, without those that no shop can have stored; empty where
        the provider knows no such payment."""
        able = self.capabilities.payment_names.usable
        found: Sequence[str] = self._read("payment_names", Sequence[str], name, declared=able)
        return [one for one in dict.fromkeys(found) if wanted_instead(one, Id) is None]

    def refund(self, request: RefundRequest) -> RefundResult:
        """Send a refund. Unclear (``OUTCOME_UNKNOWN``) unless the provider itself says what became of it."""
        if request.to is not None and Destination.BANK_ACCOUNT not in self.capabilities.destinations:
            raise ProviderError(
                ErrorCode.CONFIGURATION, f"{self.display_name} does not declare that it refunds to a bank account"
            )
        return self._write("refund", request, declared=self.capabilities.refunds, about=_of_request(request))

    def fetch_refund(self, target: str, reference: str) -> RefundResult:
        """The refund as the provider has it now."""
        able = self.capabilities.fetch_refund.usable
        about = _of_reference(target, reference)
        found: RefundResult = self._read("fetch_refund", RefundResult, target, reference, declared=able, about=about)
        return found

    def find_refund(self, request: RefundRequest) -> RefundResult | None:
        """The refund that carries our id, or None."""
        able = self.capabilities.find_refund.usable
        about = _of_request(request)
        found: RefundResult | None = self._read("find_refund", RefundResult | None, request, declared=able, about=about)
        return found

    def list_refunds(self, target: str) -> Sequence[RefundResult]:
        """All refunds of a payment, whoever made them, read to the last."""
        able = self.capabilities.list_refunds.usable
        found: Sequence[RefundResult] = self._read("list_refunds", Sequence[RefundResult], target, declared=able)
        return found

    def cancel_refund(self, target: str, reference: str) -> RefundResult:
        """Take a refund back. Unclear (``OUTCOME_UNKNOWN``) unless the provider itself says what became of it."""
        able = self.capabilities.cancel_refund.usable
        return self._write("cancel_refund", target, reference, declared=able, about=_of_reference(target, reference))

    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents | ToFetch:
        """What a webhook says, its signature checked. Raises `WebhookRejected` too."""
        said: VerifiedEvents | ToFetch = _called(
            self,
            self._provider,
            "parse_webhook",
            VerifiedEvents | ToFetch,
            (webhook,),
            declared=self.capabilities.reads_webhooks,
            failed=ErrorCode.UNAVAILABLE,
            refuses=WebhookRejected,
        )
        return said

    def check_settings(self) -> None:
        """One cheap call that shows that the settings work."""
        self._read("check_settings", None, declared=self.capabilities.check_settings.usable)

    def _read(
        self, method: str, kind: Any, *arguments: object, declared: bool = True, about: About | None = None
    ) -> Any:
        return _called(
            self,
            self._provider,
            method,
            kind,
            arguments,
            declared=declared,
            failed=ErrorCode.UNAVAILABLE,
            about=about,
        )

    def _write(self, method: str, *arguments: object, declared: bool, about: About) -> RefundResult:
        """One that speaks to its provider in another way than by its session is stopped here at least."""
        if writes_are_too_late():
            raise ProviderError(ErrorCode.NOT_SENT, f"it was too late for {method}")
        done: RefundResult = _called(
            self,
            self._provider,
            method,
            RefundResult,
            arguments,
            declared=declared,
            failed=ErrorCode.OUTCOME_UNKNOWN,
            about=about,
        )
        return done


@attrs.frozen(kw_only=True)
class ShippingCaller:
    """A shipping provider of one shop, called as `PaymentCaller` calls: a `ProviderError` and nothing else."""

    name: str
    display_name: str
    capabilities: ShippingCapabilities
    origin: str
    _provider: Any = attrs.field(repr=False)

    def portal_url(self, order: Order) -> ShippingOption | None:
        """The return portal for the parcels of ``order``; None where there is none."""
        portal: ShippingOption | None = _called(
            self,
            self._provider,
            "portal_url",
            ShippingOption | None,
            (order,),
            declared=self.capabilities.portal.usable,
            failed=ErrorCode.UNAVAILABLE,
        )
        return portal


# --- isolation -------------------------------------------------------------------------------------------


def _called(
    caller: PaymentCaller | ShippingCaller,
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
        raise ProviderError(ErrorCode.CONFIGURATION, f"{caller.display_name} does not declare {method}")
    place = ""
    another: RefundResult | None = None
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
                why, another = "it answered about another refund than it was asked about", answer
            else:
                check_again(answer)
                return answer
    except KeyboardInterrupt:
        raise
    except ProviderError as error:
        said = _as_said(error)
        if said is not None:
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


def _of_request(request: RefundRequest) -> About:
    """Whether a refund is the one that was asked for: its amount is, what it is on too where that is said, and it
    carries our id or none."""
    return lambda found: (
        found.amount == request.amount
        and found.target in ("", request.target)
        and found.refund_id in ("", request.refund_id)
    )


def _of_reference(target: str, reference: str) -> About:
    return lambda found: found.reference == reference and found.target in ("", target)


def _listed(answer: Any) -> Sequence[object]:
    """All of an answer of several, which may be made while it is read. Raises TypeError for what is no such answer."""
    if isinstance(answer, str | bytes | Mapping) or not isinstance(answer, Iterable):
        raise TypeError
    found = list(islice(answer, MOST_REFUNDS + 1))
    if len(found) > MOST_REFUNDS:
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
