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
    """A value with a field that cannot be: of another type, too long, too large, or what no database keeps."""


class InvalidAmount(RetourError):
    """An amount that is no money, of another currency, not above zero, or above what is left."""


class InvalidQuantity(RetourError):
    """Units that are no whole number above zero, or more than are left."""


class InvalidLines(RetourError):
    """An empty list of lines, or one that names a line twice."""


class InvalidOrder(RetourError):
    """The host handed over an order that contradicts itself."""


class InvalidReference(RetourError):
    """A reference or a note that is empty, too long, or looks like a card number."""


class InvalidArgument(InvalidReference):
    """An argument that no call can have, whatever the order: an audience, a page or its size, a reason left out."""


class UnknownOrder(RetourError):
    """The shop knows no such order."""


class UnknownLine(RetourError):
    """The order has no such line, or the line is no goods line."""


class UnknownReturn(RetourError):
    """The order has no such return."""


class UnknownLabel(RetourError):
    """The order has no such label."""


class UnknownReceipt(RetourError):
    """The order has no such receipt."""


class UnknownRefund(RetourError):
    """The order has no such refund."""


class UnknownPayment(RetourError):
    """The order has no such payment, or more than one answers to the reference."""


class NotPossibleNow(RetourError):
    """This cannot be done now: `WrongState` or `ProviderUnavailable` says why."""


class ConsentMissing(RetourError):
    """Money would go back another way than the customer paid, and nobody has recorded that he agreed."""


class WrongState(NotPossibleNow):
    """The order, return, payment or refund is in a state in which this cannot be done. The same again is refused again,
    until the state is another."""


class AskedWithin(WrongState):
    """A hook, a provider, a shop or a settings function uses the desk in a way in which the desk asks it again, and
    again, without an end."""


class ProviderUnavailable(NotPossibleNow):
    """A provider has to be asked first, and cannot be now. Try again later."""


class NotAllowed(RetourError):
    """This kind of actor may not do this."""


class RequestReused(RetourError):
    """A request_id that was used before for something else."""


class MissingRequestId(RequestReused):
    """A command that adds something was given no request_id, or none of 1 to 200 characters."""


class InvalidWebhook(RetourError):
    """A webhook that is not the provider's: unsigned, wrongly signed, too old, or no webhook at all. Answer 400."""


class UnreadableWebhook(RetourError):
    """A webhook that is the provider's own, by its signature, and that its plugin cannot read. It is on the list of
    what a person must look at until he has acknowledged it. Answer 503, so that the provider sends it again: what it
    says of money is not lost while the plugin is brought up to date."""


class NotReadable(RetourError):
    """What was about to be stored could not be read again: a host, a plugin or a provider gave what is no value."""


class NotCommitted(RetourError):
    """An outcome is run whose command is not in the database: the host has not committed yet, or took it back."""


class Busy(RetourError):
    """Somebody else is changing the same order; nothing was changed, try again."""


class InvalidSettings(RetourError):
    """Settings that are wrong or missing: every fault at once, with the path of its field."""


class PluginClash(RetourError):
    """Two plugins, or two providers, claim one name."""


class StoreError(RetourError):
    """The database cannot be used."""


class StoreLocked(StoreError):
    """The database stayed locked by another process for longer than we wait."""


class StoreUnavailable(StoreError):
    """The database cannot be reached, or does not answer in time; nothing was changed, try again later."""


class PerhapsSaved(StoreError):
    """The connection ended while something was being saved, and the database cannot be asked whether it was; or a part
    was saved, and then the database could not be used any more.

    Do the same again, with the same ``request_id`` where it has one: what was saved is then told, or refused as done
    already, and not done a second time.
    """


class StoreGone(StoreError):
    """The SQLite file that was opened is not in its place any more: it was deleted, renamed or replaced."""


class StoreReadOnly(StoreError):
    """The database cannot be written."""


class StoreNewer(StoreError):
    """The database was written by a newer retour."""


class OrderUnreadable(StoreError):
    """One order, or one of its effects, cannot be read: ``row`` says which row and why. All other orders go on.

    ``aside`` says who has set the order aside, where somebody has: nobody has to be told of it again.
    """

    def __init__(self, row: UnreadableRow, aside: Text | None = None) -> None:
        what_now = aside or text("Run `retour doctor` to see what can be done.")
        super().__init__(
            text(
                "Order {order}: {row} cannot be read: {why}. Nothing was changed. {what_now}",
                order=row.order_id,
                row=row.name,
                why=row.why,
                what_now=what_now,
            )
        )
        self.row = row
        self.aside = aside


class StoreNotOurs(StoreError):
    """What the address points to is not a database of retour's."""


class StoreNotMigrated(StoreError):
    """The database has no tables of retour's yet, or old ones."""


class InvalidShop(RetourError):
    """What a host handed over as its `Shop` lacks a method: which, and what to write."""


class StockRefused(RetourError):
    """Raised by a host's `Shop.book_stock`: the ``movements`` with these ids will never be possible. Nothing was
    booked; the others are asked for again, without them."""

    def __init__(self, message: Text | str, *, movements: Iterable[str]) -> None:
        super().__init__(Text(message="{reason}", values={"reason": message}))
        self.movements = frozenset(movements)
