"""Every error that retour raises on purpose: what happened, to which order, and what to do next.

Each carries a `Text`, so a host can show ``error.text("nl")`` to a merchant as it stands; ``str(error)`` is the
English sentence. All derive from `RetourError`. An error means that nothing was decided; `PerhapsSaved` alone means
that nobody can say. What a command that is refused has seen can be recorded: the shop's order as it is now, and what
the provider's books say.
"""

from __future__ import annotations

from collections.abc import Iterable

from retour.model.text import RetourError as RetourError
from retour.model.text import Text, text
from retour.model.text import UnknownLanguage as UnknownLanguage
from retour.model.unreadable import UnreadableRow


class InvalidValue(RetourError):
    """A value with a field that cannot be: of another type, too long, too large, or what no database keeps. The
    sentence names the field: mend what your code hands over."""


class InvalidAmount(RetourError):
    """An amount that is no money, of another currency, not above zero, above what is left, or none that the provider
    can pay. The sentence has what is left, or the nearest amounts: show it beside the amount in your form."""


class InvalidQuantity(RetourError):
    """Units that are no whole number above zero, or more than are left. The sentence says how many there are."""


class InvalidLines(RetourError):
    """An empty list of lines, or one that names a line twice. Ask for at least one line, each once."""


class InvalidOrder(RetourError):
    """The host handed over an order that contradicts itself. Mend what `Shop.order` makes of it: until then nothing of
    this order can be done, and every other order goes on."""


class InvalidReference(RetourError):
    """A reference or a note that is empty, too long, or looks like a card number. Ask for another."""


class InvalidArgument(InvalidReference):
    """An argument that no call can have, whatever the order: an audience, a page or its size, a reason left out. Mend
    the call."""


class UnknownOrder(RetourError):
    """The shop knows no such order: `Shop.order` gave None. Look at the id, or at the shop that the desk is for."""


class UnknownLine(RetourError):
    """The order has no such line, or the line is no goods line. Name one of `Order.goods`."""


class UnknownReturn(RetourError):
    """The order has no such return. Those that it has are in `ReturnDesk.dossier`."""


class UnknownLabel(RetourError):
    """The order has no such label. Those that it has are in `ReturnDesk.dossier`."""


class UnknownReceipt(RetourError):
    """The order has no such receipt. Those that it has are in `ReturnDesk.dossier`, with their return."""


class UnknownRefund(RetourError):
    """The order has no such refund. Those that it has are in `ReturnDesk.dossier`."""


class UnknownPayment(RetourError):
    """The order has no such payment, or more than one answers to the reference. Name it by `Payment.id`."""


class NotPossibleNow(RetourError):
    """This cannot be done now: `WrongState` or `ProviderUnavailable` says why. Nothing was changed."""


class ConsentMissing(RetourError):
    """Money would go back another way than the customer paid, and nobody has recorded that he agreed. Ask him, and hand
    his `Consent` over."""


class WrongState(NotPossibleNow):
    """The order, return, payment or refund is in a state in which this cannot be done. The same again is refused again,
    until the state is another."""


class AskedWithin(WrongState):
    """A hook, a provider, a shop or a settings function uses the desk in a way in which the desk asks it again, and
    again, without an end. Take the call out of it, or do it after the command."""


class ProviderUnavailable(NotPossibleNow):
    """A provider has to be asked first, and cannot be now. Try again later."""


class NotAllowed(RetourError):
    """This kind of actor may not do this. Have staff do it, or hide the button."""


class RequestReused(RetourError):
    """A request_id that was used before for something else. Make a new one each time you show the form, and keep it
    while the same form is sent again."""


class MissingRequestId(RequestReused):
    """A command that adds something was given no request_id, or none of 1 to 200 characters. Make one when you show the
    form, for instance ``str(uuid.uuid4())``."""


class InvalidWebhook(RetourError):
    """A webhook that is not the provider's: unsigned, wrongly signed, too old, or no webhook at all. Answer 400."""


class UnreadableWebhook(RetourError):
    """A webhook that is the provider's own, by its signature, and that its plugin cannot read. It is on the list of
    what a person must look at until he has acknowledged it. Answer 503, so that the provider sends it again: what it
    says of money is not lost while the plugin is brought up to date."""


class NotReadable(RetourError):
    """What was about to be stored could not be read again: a host, a plugin or a provider gave what is no value.
    Nothing was stored; the sentence says what of."""


class NotCommitted(RetourError):
    """An outcome is run whose command is not in the database: the host has not committed yet, or took it back. Call
    `ReturnDesk.run` after your own commit."""


class Busy(RetourError):
    """Somebody else is changing the same order; nothing was changed. Try again, with the same request_id."""


class InvalidSettings(RetourError):
    """Settings that are wrong or missing: every fault at once, with the path of its field. Values of secrets are in
    none of them."""


class PluginClash(RetourError):
    """Two plugins, or two providers, claim one name. The sentence names both: leave one of them out."""


class StoreError(RetourError):
    """The database cannot be used: its kinds say why."""


class StoreLocked(StoreError):
    """The database stayed locked by another process for longer than we wait. Nothing was changed, try again; where it
    goes on, look which program holds a transaction open."""


class StoreUnavailable(StoreError):
    """The database cannot be reached, or does not answer in time; nothing was changed, try again later."""


class PerhapsSaved(StoreError):
    """The connection ended while something was being saved, and the database cannot be asked whether it was; or a part
    was saved, and then the database could not be used any more.

    Do the same again, with the same ``request_id`` where it has one: what was saved is then told, or refused as done
    already, and not done a second time.
    """


class StoreGone(StoreError):
    """The SQLite file that was opened is not in its place any more: it was deleted, renamed or replaced. Put it back,
    and make the desk again."""


class StoreReadOnly(StoreError):
    """The database cannot be written: the file, its folder or the role lacks the right, or the disk is full."""


class StoreNewer(StoreError):
    """The database was written by a newer retour. Install that one; nothing was changed."""


class OrderUnreadable(StoreError):
    """One order, or one of its effects, cannot be read: ``row`` says which row and why. All other orders go on.

    ``aside`` says who has set the order aside, where somebody has: nobody has to be told of it again.
    """

    def __init__(self, row: UnreadableRow, aside: Text | None = None) -> None:
        what_now = aside or text("Run `retour doctor` to see what can be done.")
        super().__init__(
            text(
                "Order {order} cannot be read: {why}. Nothing was changed. {what_now}",
                order=row.order_id,
                why=row.why,
                what_now=what_now,
            )
        )
        self.add_note(f"{row.name} {row.error}".strip())
        self.row = row
        self.aside = aside


class StoreNotOurs(StoreError):
    """What the address points to is not a database of retour's. Look at the address; nothing was changed."""


class StoreNotMigrated(StoreError):
    """The database has no tables of retour's yet, or old ones. Run ``retour db upgrade`` once, or give the desk
    ``migrate=True``."""


class InvalidShop(RetourError):
    """What a host handed over as its `Shop` lacks a method: the sentence says which, and what to write."""


class StockRefused(RetourError):
    """Raised by a host's `Shop.book_stock`: the ``movements`` with these ids will never be possible. Nothing was
    booked; the others are asked for again, without them."""

    def __init__(self, message: Text | str, *, movements: Iterable[str]) -> None:
        super().__init__(Text(message="{reason}", values={"reason": message}))
        self.movements = frozenset(movements)
