"""The typed caller of payment providers: one method for each call of the contract, and what one that fails means."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from retour.model.destinations import Destination
from retour.model.fields import Id, wanted_instead
from retour.model.frozen import frozen
from retour.model.order import Mode, Payment
from retour.model.refunds import LinkRequest, RefundLink
from retour.plugins.calling import About, Caller
from retour.providers.capabilities import PaymentCapabilities
from retour.providers.errors import ErrorCode, ProviderError
from retour.providers.refund_request import Refundable, RefundRequest, RefundResult
from retour.providers.webhooks import RawWebhook, ToFetch, VerifiedEvents, WebhookRejected


@frozen(kw_only=True)
class PaymentCaller(Caller):
    """A payment provider of one shop, account and mode.

    ``mode`` is the one that its settings say they are of, None where they cannot tell. Each method ends within
    `DEADLINE_SECONDS`, as far as its network calls go, and raises `ProviderError` and nothing else;
    `KeyboardInterrupt` goes on up.
    """

    capabilities: PaymentCapabilities
    mode: Mode | None = None

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
        found: Refundable = self._read(
            "refundable",
            Refundable,
            payment,
            declared=able,
            about=lambda told: _are_of(told.target, told.refunds or ()),
        )
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
                ErrorCode.CONFIGURATION, f"{self.name} does not declare that it refunds to a bank account"
            )
        return self._write(
            "refund", RefundResult, request, declared=self.capabilities.refunds, about=_of_request(request)
        )

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
        about = partial(_are_of, target)
        found: Sequence[RefundResult] = self._read(
            "list_refunds", Sequence[RefundResult], target, declared=able, about=about
        )
        return found

    def cancel_refund(self, target: str, reference: str) -> RefundResult:
        """Take a refund back. Unclear (``OUTCOME_UNKNOWN``) unless the provider itself says what became of it."""
        able = self.capabilities.cancel_refund.usable
        return self._write(
            "cancel_refund", RefundResult, target, reference, declared=able, about=_of_reference(target, reference)
        )

    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents | ToFetch:
        """What a webhook says, its signature checked. Raises `WebhookRejected` too, and for one
        that is signed and cannot be read `WebhookUnreadable`."""
        said: VerifiedEvents | ToFetch = self._read(
            "parse_webhook",
            VerifiedEvents | ToFetch,
            webhook,
            declared=self.capabilities.reads_webhooks,
            refuses=WebhookRejected,
        )
        return said


def _of_request(request: RefundRequest) -> About:
    """Whether a refund is the one that was asked for: its amount is, what it is on too where that is said, and it
    carries our id or none."""
    return lambda found: (
        found.amount == request.amount
        and found.target in ("", request.target)
        and found.refund_id in ("", request.refund_id)
    )


def _are_of(target: str, found: Sequence[RefundResult]) -> bool:
    """Whether refunds are those of what was asked about, where they say what they are on."""
    return all(one.target in ("", target) for one in found)


def _of_reference(target: str, reference: str) -> About:
    return lambda found: found.reference == reference and found.target in ("", target)
