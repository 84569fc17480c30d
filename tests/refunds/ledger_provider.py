"""A payment provider in memory for the core's tests: a real ledger with idempotency, lookups and faults on demand.

The three real providers are tested against their sandboxes in their own folders; this one can be told to have other
capabilities than any of them, so that every branch of the recovery rule can be reached.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable

import attrs

from retour import Mode, Money, Payment, hookimpl
from retour.providers import (
    ErrorCode,
    Idempotency,
    LinkKind,
    LinkRequest,
    PaymentCapabilities,
    ProviderError,
    RawWebhook,
    Refundable,
    RefundEvent,
    RefundLink,
    RefundRequest,
    RefundResult,
    RefundStatus,
    Support,
    TextDomain,
    ToFetch,
    VerifiedEvents,
    WebhookRejected,
    WebhookTrust,
    WebhookUnreadable,
)
from retour.providers.write_limit import writes_are_too_late

text = TextDomain("retour").text
WINDOW = datetime.timedelta(hours=1)


@attrs.define
class Ledger:
    """What the provider knows, and what goes wrong next.

    ``calls`` counts refund requests that reached it, ``sent`` has their bytes by our id of the refund, ``said`` is
    every status that a refund ever had. ``watch`` is called at the moment of each call, with its name and request.
    ``methods`` is how payments were paid, ``taken_back`` what banks took back of them. ``disputed`` are those that the
    customer disputes, ``only_whole`` those of which no part can go back, ``closed`` those that cannot be refunded now,
    with the code and the words for why, ``hidden`` those whose refunds cannot be listed, with what is said then.
    ``called`` are the names that payments have beside the one that is refunded; ``read_as`` is what the provider's
    plugin makes of a name as a shop spells it. ``connecting`` is called when the connection for a refund stands, and
    nothing was sent yet.
    """

    clock: Callable[[], datetime.datetime]
    paid: dict[str, Money] = attrs.field(factory=dict)
    refunds: dict[str, RefundResult] = attrs.field(factory=dict)
    targets: dict[str, str] = attrs.field(factory=dict)
    keys: dict[str, tuple[datetime.datetime, str, RefundRequest]] = attrs.field(factory=dict)
    before: list[ProviderError] = attrs.field(factory=list)
    after: list[ProviderError] = attrs.field(factory=list)
    cancelling: list[tuple[str, ProviderError]] = attrs.field(factory=list)
    lookup_fails: int = 0
    blind: bool = False
    new_status: RefundStatus = RefundStatus.SUCCEEDED
    calls: int = 0
    sent: dict[str, list[bytes]] = attrs.field(factory=dict)
    said: list[tuple[str, RefundStatus]] = attrs.field(factory=list)
    called: dict[str, str] = attrs.field(factory=dict)
    methods: dict[str, str] = attrs.field(factory=dict)
    taken_back: dict[str, Money] = attrs.field(factory=dict)
    disputed: set[str] = attrs.field(factory=set)
    only_whole: set[str] = attrs.field(factory=set)
    closed: dict[str, tuple[ErrorCode | None, str]] = attrs.field(factory=dict)
    hidden: dict[str, ProviderError] = attrs.field(factory=dict)
    read_as: Callable[[str], str] = str
    connecting: Callable[[], None] = lambda: None
    watch: Callable[[str, RefundRequest | None], None] = lambda _, __: None

    def add(self, target: str, amount: Money, refund_id: str = "") -> RefundResult:
        """A refund is made, by us or in the dashboard."""
        reference = f"re_{len(self.refunds) + 1}"
        result = RefundResult(
            reference=reference,
            target=target,
            status=self.new_status,
            amount=amount,
            provider_status=self.new_status.value,
            refund_id=refund_id,
            created_at=self.clock(),
        )
        self.refunds[reference], self.targets[reference] = result, target
        self.said.append((reference, result.status))
        return result

    def turn(self, reference: str, status: RefundStatus) -> RefundResult:
        """The provider changes its mind about a refund."""
        self.refunds[reference] = attrs.evolve(self.refunds[reference], status=status, provider_status=status.value)
        self.said.append((reference, status))
        return self.refunds[reference]

    def target(self, name: str) -> str:
        """What is refunded of a payment that somebody calls ``name``."""
        read = self.read_as(name)
        return self.called.get(read, read)

    def total(self, target: str) -> int:
        """Minor units that really went back on a payment."""
        return sum(
            one.amount.minor
            for reference, one in self.refunds.items()
            if self.targets[reference] == target and one.status in (RefundStatus.SUCCEEDED, RefundStatus.PENDING)
        )


@attrs.frozen(kw_only=True)
class Settings:
    """The ``secret`` that signs webhooks, and the mode that it is of, where the key tells one."""

    secret: str = "right"
    key_of: str = ""

    @property
    def mode(self) -> Mode | None:
        """The mode that the key works in."""
        return Mode(self.key_of) if self.key_of else None


def make_provider(ledger: Ledger, **changes: object) -> type:
    """A provider class on ``ledger``; ``changes`` are other capabilities than the usual ones."""

    class LedgerPay:
        """See this module."""

        name = "ledger"
        display_name = "Ledger Pay"
        api = 2
        settings_type = Settings
        capabilities = attrs.evolve(
            PaymentCapabilities(
                refund_by_api=Support.YES,
                refundable=Support.YES,
                fetch_refund=Support.YES,
                check_settings=Support.YES,
                find_refund=Support.YES,
                list_refunds=Support.YES,
                webhooks=WebhookTrust.SIGNED,
                outcome_within=datetime.timedelta(days=3),
                idempotency=Idempotency(header="Key", window=WINDOW),
            ),
            **changes,  # type: ignore[arg-type]
        )

        def __init__(self, settings: Settings, http: object) -> None:
            del http
            self.settings = settings

        def refund_url(self, request: LinkRequest) -> RefundLink:
            ledger.watch("refund_url", None)
            return RefundLink(
                kind=LinkKind.PROVIDER_PAGE,
                label=text("close"),
                instruction=text("close"),
                url="https://ledger.example",
            )

        def refundable(self, payment: Payment) -> Refundable:
            ledger.watch("refundable", None)
            target = ledger.target(payment.reference)
            if target not in ledger.paid:
                raise ProviderError(ErrorCode.UNKNOWN_PAYMENT, "no such payment")
            code, reason = ledger.closed.get(target, (None, ""))
            return Refundable(
                target=target,
                remaining=ledger.paid[target],
                possible=not reason,
                reason=reason,
                code=code,
                disputed=target in ledger.disputed,
                only_whole=target in ledger.only_whole,
                names=(target, *self._others(target)),
                method=ledger.methods.get(target, ""),
                charged_back=ledger.taken_back.get(target, Money.zero(ledger.paid[target].currency)),
            )

        def payment_names(self, name: str) -> list[str]:
            self._look("payment_names")
            target = ledger.target(name)
            return [target, *self._others(target)] if target in ledger.paid else []

        def _others(self, target: str) -> list[str]:
            return [other for other, one in ledger.called.items() if one == target]

        def refund(self, request: RefundRequest) -> RefundResult:
            ledger.connecting()
            if writes_are_too_late():  # as the session of a provider on the net looks at it
                raise ProviderError(ErrorCode.NOT_SENT, "it was too late")
            ledger.calls += 1
            ledger.watch("refund", request)
            wire = json.dumps(attrs.asdict(request), sort_keys=True).encode()
            ledger.sent.setdefault(request.refund_id, []).append(wire)
            if ledger.before:
                raise ledger.before.pop(0)
            known = ledger.keys.get(request.key)
            window = self.capabilities.idempotency
            if known is not None and window is not None and ledger.clock() < known[0] + window.window:
                if known[2] != request:
                    raise ProviderError(ErrorCode.KEY_REUSED, "same key, another request")
                result = ledger.refunds[known[1]]
            else:
                if ledger.total(request.target) + request.amount.minor > ledger.paid[request.target].minor:
                    raise ProviderError(ErrorCode.ALREADY_REFUNDED, "nothing left")
                result = ledger.add(request.target, request.amount, request.refund_id)
                ledger.keys[request.key] = ledger.clock(), result.reference, request
            if ledger.after:
                raise ledger.after.pop(0)
            return result

        def fetch_refund(self, target: str, reference: str) -> RefundResult:
            self._look("fetch_refund")
            return ledger.refunds[reference]

        def find_refund(self, request: RefundRequest) -> RefundResult | None:
            self._look("find_refund", request)
            found = [one for one in ledger.refunds.values() if one.refund_id == request.refund_id]
            return found[0] if found and not ledger.blind else None

        def list_refunds(self, target: str) -> list[RefundResult]:
            self._look("list_refunds")
            if target in ledger.hidden:
                raise ledger.hidden[target]
            return [one for reference, one in ledger.refunds.items() if ledger.targets[reference] == target]

        def cancel_refund(self, target: str, reference: str) -> RefundResult:
            when, error = ledger.cancelling.pop(0) if ledger.cancelling else ("", None)
            if error is not None and when == "lost before":
                raise error
            if ledger.refunds[reference].status is RefundStatus.PENDING:
                ledger.turn(reference, RefundStatus.CANCELLED)
            if error is not None:
                raise error
            return ledger.refunds[reference]

        def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents | ToFetch:
            if webhook.headers.get("signature") == "cannot be checked":
                raise ProviderError(ErrorCode.NOT_SENT, "no connection")
            if webhook.headers.get("signature") != self.settings.secret:
                raise WebhookRejected("wrong signature")
            ledger.watch("parse_webhook", None)
            kind, what, *then = webhook.body.decode().split(":")
            if kind == "unreadable":
                raise WebhookUnreadable("signed, but not readable", event=what)
            if kind == "unread":
                return ToFetch(targets=(what,), unread="no event of type refund.undone is known")
            if kind == "fetch":
                return ToFetch(targets=(what,))
            if kind == "taken":
                return ToFetch(targets=(what,), taken_back=":".join(then))
            if kind == "events":
                several = [ledger.refunds[one] for one in what.split(",")]
                return VerifiedEvents(
                    events=tuple([RefundEvent(event_id=f"{one.reference}-{one.status}", refund=one) for one in several])
                )
            result = ledger.refunds[what]
            if then:  # as it was then: a webhook can be late, and call the payment by another of its names
                status, target = RefundStatus(then[0]), then[1] if then[1:] else result.target
                result = attrs.evolve(result, status=status, provider_status=status.value, target=target)
            event = RefundEvent(event_id=f"{what}-{result.status}", refund=result)
            return VerifiedEvents(events=(event,))

        def check_settings(self) -> None:
            ledger.watch("check_settings", None)

        def _look(self, call: str, request: RefundRequest | None = None) -> None:
            ledger.watch(call, request)
            if ledger.lookup_fails:
                ledger.lookup_fails -= 1
                raise ProviderError(ErrorCode.OUTCOME_UNKNOWN, "no answer")

    return LedgerPay


def plugin(provider: type) -> object:
    """A plugin that hands over ``provider``."""

    class LedgerPlugin:
        name = "ledger"

        @hookimpl
        def payment_providers(self) -> list[type]:
            return [provider]

    return LedgerPlugin()
