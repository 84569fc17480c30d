"""The dashboard of running sandboxes: what customers, merchants, banks and carriers do there, one line for each."""

from __future__ import annotations

import datetime
import re
import shlex
from collections.abc import Callable, Mapping, Sequence

from retour.cli.words import text, texts
from retour.model.errors import RetourError
from retour.model.frozen import frozen
from retour.model.labels import LABEL_WORDS, PARCEL_WORDS, LabelState
from retour.model.money import Money
from retour.model.refunds import REFUND_WORDS, RefundState
from retour.model.text import Text
from retour.sandbox import BookedLabel, Fault, HasPortal, NoSuchPayment, NotPossible, PaymentSandbox, ShippingSandbox

Said = Sequence[Text | str]
"""What a line is answered with, each on a line of its own."""

_PERIOD = re.compile(r"(?=\d)(?:(\d{1,4})d)?(?:(\d{1,4})h)?(?:(\d{1,4})m)?")
_CURRENCY = "EUR"
_MOST_UNITS = 10_000


class NotUnderstood(RetourError):
    """A line that is no command, or a command that cannot be done: why."""


@frozen(kw_only=True)
class Dashboard:
    """The dashboard of ``sandboxes``, by the provider's name. `do` is safe to call from one thread at a time."""

    sandboxes: Mapping[str, PaymentSandbox | ShippingSandbox]

    def do(self, line: str) -> Said:
        """Do what a line says; gives the answer. Raises `NotUnderstood`; nothing was done then."""
        try:
            words = shlex.split(line)
        except ValueError:
            raise NotUnderstood(text("A quotation mark is missing.")) from None
        if not words:
            return ()
        for usage, _, act in COMMANDS:
            name, *wanted = usage.split()
            if name == words[0].lower():
                needed = [word for word in wanted if not word.startswith("[")]
                if not len(needed) <= len(words) - 1 <= len(wanted):
                    raise NotUnderstood(text("Write: {usage}", usage=usage))
                return self._act(act, words[1:])
        raise NotUnderstood(text("There is no command {command}. Type help.", command=words[0]))

    def _act(self, act: Callable[..., Said], given: Sequence[str]) -> Said:
        try:
            return act(self, *given)
        except NotUnderstood:
            raise
        except RetourError as error:
            raise NotUnderstood(error.message) from error
        except NoSuchPayment as error:
            raise NotUnderstood(
                text("There is no payment {payment} at {provider}.", payment=error.reference, provider=given[0])
            ) from error
        except NotPossible as error:
            raise NotUnderstood(error.message) from error
        except ValueError as error:  # what a sandbox of others refuses, in its own words
            raise NotUnderstood(text("{why}", why=str(error))) from error

    def pay(self, provider: str, amount: str, reference: str = "") -> Said:
        """A customer pays."""
        paid = _money(amount)
        if paid.minor <= 0:
            raise NotUnderstood(text("{amount} is not above zero", amount=amount))
        made = self._payments(provider).pay(paid, reference=reference)
        return [text("{amount} paid: {reference}", amount=paid, reference=made)]

    def refund(self, provider: str, payment: str, amount: str) -> Said:
        """A merchant refunds in the provider's dashboard."""
        refund = self._payments(provider).refund_in_dashboard(payment, _money(amount))
        return [text("{amount} refunded in the dashboard: {refund}", amount=_money(amount), refund=refund)]

    def fail(self, provider: str, refund: str) -> Said:
        """The bank refuses a refund."""
        self._payments(provider).fail(refund)
        return [text("The bank refused {refund}.", refund=refund)]

    def refunds(self, provider: str, payment: str) -> Said:
        """What a provider has in its books."""
        booked = self._payments(provider).books(payment)
        return [
            text(
                "{refund}  {amount}  {state}",
                refund=one.reference,
                amount=one.amount,
                state=REFUND_WORDS[RefundState(one.status.value)],
            )
            for one in booked
        ] or [text("No refunds.")]

    def send(self, provider: str, order: str, postal_code: str) -> Said:
        """A parcel goes to a customer."""
        tracking_number = self._portal(provider).send(order, postal_code=postal_code)
        return [text("Order {order} was sent: {tracking_number}", order=order, tracking_number=tracking_number)]

    def portal(self, provider: str, order: str, sku: str, quantity: str) -> Said:
        """A customer makes a return in the provider's portal."""
        if not (quantity.isascii() and quantity.isdigit() and 0 < int(quantity) <= _MOST_UNITS):
            raise NotUnderstood(text("{quantity} is no number of units", quantity=quantity))
        label = self._portal(provider).return_in_portal(order, {sku: int(quantity)})
        return [text("The customer has made return {label} in the portal.", label=label)]

    def scan(self, provider: str, label: str) -> Said:
        """A carrier gets a parcel."""
        self._labels(provider).scan(label)
        return self._label(provider, label)

    def deliver(self, provider: str, label: str) -> Said:
        """A parcel is at the shop."""
        self._labels(provider).deliver(label)
        return self._label(provider, label)

    def lose(self, provider: str, label: str) -> Said:
        """A carrier has lost a parcel."""
        self._labels(provider).lose(label)
        return self._label(provider, label)

    def send_back(self, provider: str, label: str) -> Said:
        """A parcel goes back to the customer."""
        self._labels(provider).send_back(label)
        return self._label(provider, label)

    def refuse(self, provider: str, because: str) -> Said:
        """A carrier refuses the next label."""
        self._labels(provider).refuse(because)
        return [text("The carrier refuses the next label.")]

    def labels(self, provider: str, order: str = "") -> Said:
        """What a provider has in its books about labels."""
        return [_booked(one) for one in self._labels(provider).books(order)] or [text("No labels.")]

    def _label(self, provider: str, label: str) -> Said:
        return [_booked(one) for one in self._labels(provider).books() if one.reference == label]

    def advance(self, period: str) -> Said:
        """Time passes for all of them."""
        match = _PERIOD.fullmatch(period.lower())
        if match is None:
            raise NotUnderstood(text("{period} is no period; write 2d, 3h, 30m or 1d12h.", period=period))
        days, hours, minutes = [int(part or 0) for part in match.groups()]
        for clock in {sandbox.clock for sandbox in self.sandboxes.values()}:
            clock.advance(datetime.timedelta(days=days, hours=hours, minutes=minutes))
        for sandbox in self.sandboxes.values():
            sandbox.advance(datetime.timedelta())  # everything goes as far as it is due by now
        return self._times()

    def hold(self) -> Said:
        """Nothing goes on by itself."""
        for sandbox in self.sandboxes.values():
            sandbox.hold()
        return [text("Refunds and labels stay as they are until release.")]

    def release(self) -> Said:
        """What was held goes on."""
        for sandbox in self.sandboxes.values():
            sandbox.release()
        return [text("What was held goes its way again.")]

    def fault(self, provider: str, fault: str) -> Said:
        """Something goes wrong with the next write."""
        known = {one.name.lower(): one for one in Fault}
        if fault.lower() not in known:
            raise NotUnderstood(text("{fault} is no fault; there are: {known}", fault=fault, known=list(known)))
        waiting = self._sandbox(provider).server.faults
        waiting.append(known[fault.lower()])
        return [texts("The next write goes wrong.", "The next {count} writes go wrong.", len(waiting))]

    def help(self) -> Said:
        """All commands."""
        width = max(len(usage) for usage, _, _ in COMMANDS)
        return [text("{usage}  {what}", usage=usage.ljust(width), what=what) for usage, what, _ in COMMANDS]

    def _times(self) -> Said:
        now = max(sandbox.clock.now() for sandbox in self.sandboxes.values())
        return [text("It is {time} UTC there now.", time=f"{now:%Y-%m-%d %H:%M}")]

    def _payments(self, provider: str) -> PaymentSandbox:
        found = self._sandbox(provider)
        if isinstance(found, ShippingSandbox):
            raise NotUnderstood(text("{provider} is about parcels, not about payments", provider=provider))
        return found

    def _labels(self, provider: str) -> ShippingSandbox:
        found = self._sandbox(provider)
        if not isinstance(found, ShippingSandbox):
            raise NotUnderstood(text("{provider} is about payments, not about parcels", provider=provider))
        return found

    def _portal(self, provider: str) -> HasPortal:
        found = self._labels(provider)
        if not isinstance(found, HasPortal):
            raise NotUnderstood(text("{provider} has no return portal", provider=provider))
        return found

    def _sandbox(self, given: str) -> PaymentSandbox | ShippingSandbox:
        found = self.sandboxes.get(given.lower())
        if found is None:
            raise NotUnderstood(
                text("{given} is not running; there are: {known}", given=given, known=list(self.sandboxes))
            )
        return found


COMMANDS: Sequence[tuple[str, Text, Callable[..., Said]]] = (
    ("pay PROVIDER AMOUNT [REFERENCE]", text("a customer pays, 44.95 or 44.95USD"), Dashboard.pay),
    ("refund PROVIDER PAYMENT AMOUNT", text("the merchant refunds in the dashboard"), Dashboard.refund),
    ("refunds PROVIDER PAYMENT", text("what the provider has in its books"), Dashboard.refunds),
    ("fail PROVIDER REFUND", text("the bank refuses a refund, whether it had succeeded or not"), Dashboard.fail),
    ("send PROVIDER ORDER POSTAL_CODE", text("a parcel goes to a customer"), Dashboard.send),
    ("portal PROVIDER ORDER SKU QUANTITY", text("the customer makes a return in the portal"), Dashboard.portal),
    ("labels PROVIDER [ORDER]", text("which labels the provider has in its books"), Dashboard.labels),
    ("refuse PROVIDER WORDS", text("the carrier refuses the next label, in these words"), Dashboard.refuse),
    ("scan PROVIDER LABEL", text("the carrier gets the parcel"), Dashboard.scan),
    ("deliver PROVIDER LABEL", text("the parcel is at the shop"), Dashboard.deliver),
    ("lose PROVIDER LABEL", text("the carrier has lost the parcel"), Dashboard.lose),
    ("send-back PROVIDER LABEL", text("the parcel goes back to the customer"), Dashboard.send_back),
    ("advance PERIOD", text("time passes everywhere: 2d, 3h, 30m"), Dashboard.advance),
    ("hold", text("refunds and labels stay as they are, however long it takes"), Dashboard.hold),
    ("release", text("what was held goes its way again"), Dashboard.release),
    (
        "fault PROVIDER FAULT",
        text("the next write goes wrong, as in cut_after"),
        Dashboard.fault,
    ),
    ("help", text("these commands"), Dashboard.help),
)
"""Each command as it is typed, what it does, and the method that does it. What is in brackets can be left out."""


def _booked(label: BookedLabel) -> Text:
    return text(
        "{label}  order {order}  {state}, {progress}  {charged}",
        label=label.reference,
        order=label.order_id,
        state=LABEL_WORDS[LabelState(label.told.value)],
        progress=PARCEL_WORDS[label.progress],
        charged=label.charged,
    )


def _money(given: str) -> Money:
    """``44.95`` euros, or ``44.95USD``. Raises `InvalidAmount`."""
    currency = given[-3:] if given[-3:].isalpha() else ""
    return Money.of(given.removesuffix(currency) if currency else given, currency.upper() or _CURRENCY)
