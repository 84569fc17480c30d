"""Notify Pay with one fault each: what goes wrong where the outcome comes by webhook alone, signed item by item.

Nobody asks such a provider a second time: what is read wrongly here stays wrong.
"""

from __future__ import annotations

import datetime
import hmac
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import broken_providers
import notify_pay
from costly_mistakes import BROKEN
from notify_pay import NotifyPay, NotifyPaySandbox, WireItem, signed_fields

from retour.providers import (
    Answer,
    Encoding,
    Idempotency,
    Money,
    ProviderError,
    ProviderSession,
    RawWebhook,
    RefundEvent,
    RefundRequest,
    RefundResult,
    RefundStatus,
    Secret,
    Support,
    VerifiedEvents,
    WebhookRejected,
    api_address,
    check_signed,
    hmac_sha256,
    read_json,
    read_wire,
)

__all__ = ["BROKEN"]  # the whole table: its own and those of Acme Pay


def breaks(*tests: str, sandbox: type[Any] = NotifyPaySandbox) -> Callable[[type[Any]], type[Any]]:
    return broken_providers.breaks(*tests, sandbox=sandbox)


def declaring(**facts: Any) -> Any:
    return attrs.evolve(NotifyPay.capabilities, **facts)


def right_signature(item: WireItem, key: Secret) -> str:
    """How Notify Pay signs."""
    return hmac_sha256(signed_fields(attrs.asdict(item)), key, written=Encoding.BASE64, secret_is=Encoding.HEX)


def items_of(webhook: RawWebhook, kind: type[Any] = WireItem) -> list[Any]:
    """The items of a notification, checked by nobody."""
    try:
        return [read_wire(kind, item) for item in read_json(webhook.body)["items"]]
    except (ValueError, TypeError, KeyError, ProviderError):
        raise WebhookRejected("no notification") from None


class _TellsItsItems(NotifyPay):
    """For faults in what is made of a notification as a whole."""

    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents:
        items = items_of(webhook)
        for item in items:
            self._check(item)
        return VerifiedEvents(events=tuple(self._told([item for item in items if self._is_ours(item)])))

    def _told(self, items: list[WireItem]) -> list[RefundEvent]:
        return [self._event(item) for item in items]


# --- whose signature, and over what --------------------------------------------------------------------------


@breaks(
    "test_a_webhook_whose_signature_is_wrong_by_a_letter_says_nothing",
    "test_each_item_of_a_webhook_needs_its_own_signature",
    "test_a_forged_webhook_says_nothing_of_a_refund",
)
class ChecksTheFirstItemOnly(NotifyPay):
    """A forger puts his own behind a genuine one."""

    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents:
        items = items_of(webhook)
        for item in items[:1]:
            self._check(item)
        return VerifiedEvents(events=tuple([self._event(item) for item in items if self._is_ours(item)]))


@breaks("test_each_item_of_a_webhook_needs_its_own_signature")
class AsksWhetherAnyItemIsSigned(NotifyPay):
    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents:
        items = items_of(webhook)
        refused = 0
        for item in items:
            try:
                self._check(item)
            except WebhookRejected:
                refused += 1
        if refused == len(items):
            raise WebhookRejected("no item is signed")
        return VerifiedEvents(events=tuple([self._event(item) for item in items if self._is_ours(item)]))


@breaks("test_each_item_of_a_webhook_needs_its_own_signature")
class BelievesAnItemWithoutASignature(NotifyPay):
    """ "Old items have none": whoever leaves it out is believed."""

    def _check(self, item: WireItem) -> None:
        if item.signature:
            super()._check(item)


@breaks("test_a_webhook_whose_signature_is_wrong_by_a_letter_says_nothing")
class ComparesTheEndOfASignature(NotifyPay):
    """One of a few million guesses is right."""

    def _check(self, item: WireItem) -> None:
        if not hmac.compare_digest(right_signature(item, self.settings.webhook_key)[-4:], item.signature[-4:]):
            raise WebhookRejected("no signature of it fits")


@breaks("test_a_signature_is_compared_in_a_time_that_tells_nothing")
class ComparesInTheOpen(NotifyPay):
    def _check(self, item: WireItem) -> None:
        if item.signature != right_signature(item, self.settings.webhook_key):
            raise WebhookRejected("no signature of it fits")


@breaks("test_a_rejection_does_not_help_the_forger")
class SaysWhatWouldHaveFitted(NotifyPay):
    def _check(self, item: WireItem) -> None:
        right = right_signature(item, self.settings.webhook_key)
        if not hmac.compare_digest(right.encode(), item.signature.encode(errors="replace")):
            raise WebhookRejected(f"the signature is {item.signature[:50]}, and should be {right}")


@breaks("test_a_webhook_that_is_signed_with_nothing_is_rejected")
class TakesNoKeyForAnEmptyOne(NotifyPay):
    @attrs.frozen(kw_only=True)
    class Lenient:
        api_key: Secret
        webhook_key: Secret | None = None
        merchant: str
        api_url: str = attrs.field(validator=api_address)

        @property
        def live(self) -> bool:
            return False

    settings_type = Lenient

    def _check(self, item: WireItem) -> None:
        if self.settings.webhook_key is not None:
            super()._check(item)
            return
        made = Encoding.BASE64.write(hmac.digest(b"", signed_fields(attrs.asdict(item)), "sha256"))
        if not hmac.compare_digest(made.encode(), item.signature.encode(errors="replace")):
            raise WebhookRejected("no signature of it fits")


@breaks("test_a_webhook_that_is_signed_with_another_secret_is_rejected")
class TakesTheApiKeyToo(NotifyPay):
    def _check(self, item: WireItem) -> None:
        old = hmac_sha256(signed_fields(attrs.asdict(item)), self.settings.api_key, written=Encoding.BASE64)
        if not hmac.compare_digest(old.encode(), item.signature.encode(errors="replace")):
            super()._check(item)


@breaks("test_a_genuine_webhook_is_about_the_payment_that_it_is_about")
class JoinsWithoutEscaping(NotifyPay):
    """What a person wrote in the dashboard has a colon in it, and all that is told beside it is dropped."""

    def _check(self, item: WireItem) -> None:
        signed = _unescaped(attrs.asdict(item))
        key, form = self.settings.webhook_key, Encoding.BASE64
        check_signed(signed, [item.signature], [key], setting="webhook_key", written=form, secret_is=Encoding.HEX)


class _SandboxThatJoinsWithoutEscaping(NotifyPaySandbox):
    def _signature(self, item: Mapping[str, object]) -> str:
        key = Secret(str(self.settings["webhook_key"]))
        return hmac_sha256(_unescaped(item), key, written=Encoding.BASE64, secret_is=Encoding.HEX)


@breaks("test_a_signed_field_cannot_pass_for_the_next", sandbox=_SandboxThatJoinsWithoutEscaping)
class TakesOneFieldForTwo(JoinsWithoutEscaping):
    """Half of what a customer wrote becomes the field beside it."""


def _unescaped(item: Mapping[str, Any]) -> bytes:
    return ":".join([str(item[name]) for name in notify_pay.SIGNED]).encode()


class _SandboxThatSignsNoAmount(NotifyPaySandbox):
    def _signature(self, item: Mapping[str, object]) -> str:
        return super()._signature({**item, "value": ""})


@breaks(
    "test_what_a_signature_does_not_cover_is_not_believed",
    "test_a_forged_webhook_says_nothing_of_a_refund",
    sandbox=_SandboxThatSignsNoAmount,
)
class ReadsAnAmountThatIsNotSigned(NotifyPay):
    def _check(self, item: WireItem) -> None:
        super()._check(attrs.evolve(item, value=""))


class _SandboxWithASecondAmount(NotifyPaySandbox):
    """An item has the amount once more, as a person reads it."""

    def _item(self, *said: Any, **more: Any) -> dict[str, object]:
        item = super()._item(*said, **more)
        return {**item, "shown": str(Money(minor=int(str(item["value"])), currency=str(item["currency"])).decimal)}


@attrs.frozen(kw_only=True)
class _WireMore(WireItem):
    """An item with what its signature does not cover."""

    reason: str
    sent_at: str
    shown: str = "0.00"


class _ReadsMore(NotifyPay):
    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents:
        items = items_of(webhook, _WireMore)
        for item in items:
            self._check(item)
        return VerifiedEvents(events=tuple([self._event(item) for item in items if self._is_ours(item)]))


@breaks("test_what_a_signature_does_not_cover_is_not_believed", sandbox=_SandboxWithASecondAmount)
class ReadsTheAmountThatIsShown(_ReadsMore):
    def _event(self, item: Any) -> RefundEvent:
        told = super()._event(item)
        return attrs.evolve(told, refund=attrs.evolve(told.refund, amount=_shown(item)))


def _shown(item: Any) -> Money:
    try:
        return Money.of(item.shown, item.currency)
    except ValueError:
        raise WebhookRejected("no amount") from None


@breaks("test_what_a_signature_does_not_cover_is_not_believed")
class TellsAReasonThatIsNotSigned(_ReadsMore):
    """What somebody wrote on the way stands on the timeline for ever."""

    def _event(self, item: Any) -> RefundEvent:
        told = super()._event(item)
        return attrs.evolve(told, refund=attrs.evolve(told.refund, reason=item.reason))


@breaks("test_what_a_signature_does_not_cover_is_not_believed")
class NamesAnEventByWhenItWasSent(_ReadsMore):
    """Who changes the time makes two events of one; and so does Notify Pay, when it sends it again."""

    def _event(self, item: Any) -> RefundEvent:
        return attrs.evolve(super()._event(item), event_id=f"{item.kind}:{item.id}:{item.sent_at}")


@breaks("test_each_item_of_a_webhook_needs_its_own_signature")
class ChecksOutcomesOnly(NotifyPay):
    """ "A kind that came later has another signature": so it is not asked for."""

    def _check(self, item: WireItem) -> None:
        if item.kind != "refund_failed":
            super()._check(item)


@breaks("test_each_item_of_a_webhook_needs_its_own_signature")
class ChecksTheLastItemOfARefund(NotifyPay):
    """Two items of one refund, and the first is whoever's."""

    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents:
        items = items_of(webhook)
        for item in {item.id: item for item in items}.values():
            self._check(item)
        return VerifiedEvents(events=tuple([self._event(item) for item in items if self._is_ours(item)]))


@breaks("test_a_forged_webhook_says_nothing_of_a_refund")
class ChecksWhetherSomeSignatureOfItFits(NotifyPay):
    """A genuine item's fields beside a forged one's are told under the signature of the genuine one."""

    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents:
        items = items_of(webhook)
        genuine = [item for item in items if item.signature == right_signature(item, self.settings.webhook_key)]
        if {item.id for item in items} - {item.id for item in genuine}:
            raise WebhookRejected("not every refund is signed")
        return VerifiedEvents(events=tuple([self._event(item) for item in items if self._is_ours(item)]))


@breaks("test_what_a_signature_does_not_cover_is_not_believed", sandbox=NotifyPaySandbox)
class SignsWithoutBlanks(NotifyPay):
    """What is trimmed before it is signed, and not after, is another refund."""

    def _check(self, item: WireItem) -> None:
        super()._check(attrs.evolve(item, id=item.id.strip(), reference=item.reference.strip()))


@breaks("test_a_genuine_webhook_is_about_the_payment_that_it_is_about")
class EscapesInTheWrongOrder(NotifyPay):
    def _check(self, item: WireItem) -> None:
        fields = [str(attrs.asdict(item)[name]).replace(":", "\\:").replace("\\", "\\\\") for name in notify_pay.SIGNED]
        key, form = self.settings.webhook_key, Encoding.BASE64
        signed = ":".join(fields).encode()
        check_signed(signed, [item.signature], [key], setting="webhook_key", written=form, secret_is=Encoding.HEX)


# --- several items -------------------------------------------------------------------------------------------


@breaks("test_each_item_of_a_webhook_is_told_by_itself", "test_a_genuine_webhook_is_about_the_payment_that_it_is_about")
class DropsAllWhenOneIsAboutSomethingElse(NotifyPay):
    """A payment in the same notification, and nobody hears that a refund failed."""

    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents:
        told = super().parse_webhook(webhook)
        if [item for item in items_of(webhook) if item.kind not in notify_pay.REFUND_KINDS]:
            return VerifiedEvents(events=())
        return told


@breaks("test_every_refund_that_failed_is_told", "test_each_item_of_a_webhook_is_told_by_itself")
class TellsTheFirstRefundOnly(_TellsItsItems):
    def _told(self, items: list[WireItem]) -> list[RefundEvent]:
        return super()._told(items[:1])


@breaks("test_each_item_of_a_webhook_is_told_by_itself")
class StopsAtWhatIsAboutSomethingElse(NotifyPay):
    """What stands before it is told, and what stands behind it is not."""

    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents:
        genuine = {event.event_id: event for event in super().parse_webhook(webhook).events}
        told = []
        for item in reversed(items_of(webhook)):
            if item.kind not in notify_pay.REFUND_KINDS:
                break
            told.append(genuine[self._event(item).event_id])
        return VerifiedEvents(events=tuple(told))


@breaks("test_each_item_of_a_webhook_is_told_by_itself")
class NamesAnEventByItsPlace(_TellsItsItems):
    """Sent again in another order, everything is news."""

    def _told(self, items: list[WireItem]) -> list[RefundEvent]:
        told = super()._told(items)
        return [attrs.evolve(event, event_id=f"{event.event_id}:{place}") for place, event in enumerate(told)]


@breaks("test_every_refund_that_failed_is_told", "test_each_item_of_a_webhook_is_told_by_itself")
class TakesThePaymentOfTheFirst(_TellsItsItems):
    """The second customer's refund is one of the first customer's payment."""

    def _told(self, items: list[WireItem]) -> list[RefundEvent]:
        return super()._told([attrs.evolve(item, payment=items[0].payment) for item in items])


@breaks("test_a_webhook_that_names_another_account_says_nothing")
class BelievesItemsOfAnotherMerchant(NotifyPay):
    def _is_ours(self, item: WireItem) -> bool:
        return item.kind in notify_pay.REFUND_KINDS


@breaks("test_a_webhook_of_the_other_mode_says_nothing")
class DoesNotLookAtTheModeOfANotification(_TellsItsItems):
    """A test of last week tells that this week's customer was paid."""


# --- what is told, and whether it was told before ------------------------------------------------------------


@breaks("test_the_same_webhook_twice_is_the_same_event")
class NamesAnEventByItsRefund(NotifyPay):
    """That it came back is taken for what was told before, that it was paid."""

    def _event(self, item: WireItem) -> RefundEvent:
        return attrs.evolve(super()._event(item), event_id=item.id)


@breaks("test_the_same_webhook_twice_is_the_same_event")
class TakesALateFailureForARepeat(NotifyPay):
    """Both are a success, of the same refund."""

    def _event(self, item: WireItem) -> RefundEvent:
        return attrs.evolve(super()._event(item), event_id=f"{item.id}:{item.success}")


@breaks("test_the_same_webhook_twice_is_the_same_event")
class RemembersWhatItTold(NotifyPay):
    """What came while the shop's database was away is not told when it comes again."""

    def __init__(self, settings: Any, http: ProviderSession) -> None:
        super().__init__(settings, http)
        self.told_before: set[str] = set()

    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents:
        told = super().parse_webhook(webhook).events
        news = tuple([event for event in told if event.event_id not in self.told_before])
        self.told_before.update(event.event_id for event in news)
        return VerifiedEvents(events=news)


@breaks("test_the_same_webhook_twice_is_the_same_event")
class NamesAnEventAnew(NotifyPay):
    def _event(self, item: WireItem) -> RefundEvent:
        return attrs.evolve(super()._event(item), event_id=str(uuid.uuid4()))


@breaks("test_a_refund_that_waits_is_pending_until_it_is_paid")
class TakesReceivedForSucceeded(NotifyPay):
    """The customer looks at his account in vain, and nobody corrects it."""

    def _received(self, answer: Answer) -> RefundResult:
        return attrs.evolve(super()._received(answer), status=RefundStatus.SUCCEEDED)


class _ReadsOutcomes(NotifyPay):
    """For faults in what an item is taken for."""

    def _event(self, item: WireItem) -> RefundEvent:
        told = super()._event(item)
        return attrs.evolve(told, refund=attrs.evolve(told.refund, status=self._outcome(item)))

    def _outcome(self, item: WireItem) -> RefundStatus:
        return notify_pay.OUTCOMES.get((item.kind, item.success), RefundStatus.PENDING)


@breaks("test_a_refund_that_the_bank_refuses_is_failed", "test_a_signed_webhook_tells_that_a_refund_failed")
class TakesFalseForPending(_ReadsOutcomes):
    """He waits for ever."""

    def _outcome(self, item: WireItem) -> RefundStatus:
        found = super()._outcome(item)
        return RefundStatus.PENDING if found is RefundStatus.FAILED else found


@breaks("test_a_refund_that_fails_after_it_succeeded_is_failed")
class TakesALateFailureForASuccess(_ReadsOutcomes):
    """ "refund_failed" is a success: it says that the failure was a success."""

    def _outcome(self, item: WireItem) -> RefundStatus:
        return RefundStatus.SUCCEEDED if item.success == "true" else RefundStatus.FAILED


@breaks("test_a_webhook_with_an_unknown_status_is_pending")
class TakesWhatIsNotFalseForTrue(_ReadsOutcomes):
    def _outcome(self, item: WireItem) -> RefundStatus:
        if item.kind == "refund" and item.success != "false":
            return RefundStatus.SUCCEEDED
        return super()._outcome(item)


@breaks("test_a_webhook_with_an_unknown_status_is_pending")
class TakesWhatIsNotTrueForFalse(_ReadsOutcomes):
    """Told as failed, he is paid again by hand."""

    def _outcome(self, item: WireItem) -> RefundStatus:
        if item.kind == "refund" and item.success != "true":
            return RefundStatus.FAILED
        return super()._outcome(item)


@breaks("test_a_refund_that_fails_after_it_succeeded_is_failed")
class PassesOverALateFailure(NotifyPay):
    """Only "refund" is known: what the bank sent back is a kind that came later."""

    def _is_ours(self, item: WireItem) -> bool:
        return super()._is_ours(item) and item.kind == "refund"


@breaks("test_what_cannot_be_asked_is_told")
class TellsOurOwnOnly(NotifyPay):
    """What a colleague refunded in the dashboard is offered again."""

    def _is_ours(self, item: WireItem) -> bool:
        return super()._is_ours(item) and item.reference.startswith("rf")


@breaks("test_a_genuine_webhook_is_about_the_payment_that_it_is_about")
class TellsNoAmountOfWhatFailed(_ReadsOutcomes):
    def _event(self, item: WireItem) -> RefundEvent:
        failed = self._outcome(item) is RefundStatus.FAILED
        return super()._event(attrs.evolve(item, value=0) if failed else item)


@breaks("test_a_genuine_webhook_is_about_the_payment_that_it_is_about")
class TakesOurIdForTheirs(NotifyPay):
    def _event(self, item: WireItem) -> RefundEvent:
        return super()._event(attrs.evolve(item, id=item.reference))


@breaks("test_a_webhook_with_an_unknown_status_is_pending")
class TakesEveryKindOfRefundForOne(_ReadsOutcomes):
    """ "refund_failed_not_yet" begins like a refund, and is a success."""

    def _is_ours(self, item: WireItem) -> bool:
        return item.kind.startswith("refund") and item.merchant == self.settings.merchant

    def _outcome(self, item: WireItem) -> RefundStatus:
        if item.kind != "refund_failed" and item.success == "true":
            return RefundStatus.SUCCEEDED
        return super()._outcome(item)


@breaks("test_an_amount_in_a_webhook_is_exact_in_every_currency")
class ReadsCentsInEveryItem(NotifyPay):
    def _event(self, item: WireItem) -> RefundEvent:
        told = super()._event(item)
        written = f"{item.value / 100:.2f}"
        amount = Money.of(written if item.currency != "JPY" else written[:-3], item.currency)
        return attrs.evolve(told, refund=attrs.evolve(told.refund, amount=amount))


# --- the refund itself ---------------------------------------------------------------------------------------


@breaks("test_a_declared_capability_has_its_method")
class DeclaresWhatItCannot(NotifyPay):
    """The core asks it, when money is already on its way."""

    capabilities = declaring(fetch_refund=Support.YES, refundable=Support.YES, check_settings=Support.YES)


@breaks("test_a_key_is_known_for_as_long_as_is_declared")
class DeclaresALongerWindowAndCannotBeAsked(NotifyPay):
    """A lost answer is sent again on the tenth day, and pays twice."""

    capabilities = declaring(idempotency=Idempotency(header="Idempotency-Key", window=datetime.timedelta(days=14)))


@breaks("test_a_call_does_not_sleep")
class WaitsForTheOutcome(NotifyPay):
    """A worker that waits for a webhook refunds nobody."""

    def refund(self, request: RefundRequest) -> RefundResult:
        made = super().refund(request)
        for _ in range(30):
            time.sleep(0.1)
        return made
