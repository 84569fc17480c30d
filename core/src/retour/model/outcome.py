"""What a command gives back: the returns it touched, and the question that the merchant has to answer."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import attrs

from retour.model.actor import Actor
from retour.model.fields import checked
from retour.model.frozen import frozen
from retour.model.labels import Label
from retour.model.reasons import Reason
from retour.model.refunds import Refund
from retour.model.returns import GoodsState, OrderStatus, Return, StockState
from retour.model.text import Text, text, texts
from retour.model.unreadable import UnreadableRow


@frozen(kw_only=True, field_transformer=checked())
class RestockQuestion:
    """The question about the stock, as the merchant sees it: one sentence and three answers.

    The merchant answers with `ReturnDesk.answer_restock`.
    """

    sentence: Text
    """The question."""

    ok: Text
    """The words for "all of it"."""

    cancel: Text
    """The words for "nothing of it"."""

    choose: Text
    """The words for "per product"."""

    units: Mapping[str, int]
    """The sellable units that wait for the answer, by the id of their order line."""

    because: Reason | None = None
    """Why it is asked where a policy could not answer; None where several products came back, as always."""


@frozen(kw_only=True, field_transformer=checked())
class RestockOutcome:
    """What is decided about the stock of one return: the open question, or what goes back and what is left to do."""

    state: StockState
    """Where the stock of the return is."""

    question: RestockQuestion | None
    """What to ask the merchant; None where nothing is open."""

    restocked: Mapping[str, int]
    """Units that go back in stock, net of corrections, by the id of their order line."""

    by_hand: Mapping[str, int]
    """Units that the merchant books by hand, by the id of their order line."""

    @property
    def needs_answer(self) -> bool:
        """Whether the merchant has to say what goes back in stock."""
        return self.question is not None


@frozen(kw_only=True, field_transformer=checked())
class ReturnOutcome:
    """One return as the command left it."""

    return_id: str
    """The return."""

    receipt_id: str | None
    """The receipt that the command made; None where it counted nothing."""

    goods: GoodsState
    """Where its goods are."""

    restock: RestockOutcome
    """What is decided about its stock."""

    number: str = ""
    """What people call the return: nine letters and digits."""


@frozen(kw_only=True, field_transformer=checked())
class NotAsked:
    """A payment about whose refunds its provider could not be asked."""

    payment: str
    """Its `Payment.id`."""

    why: Text
    """Why its provider could not be asked."""


@frozen(kw_only=True, field_transformer=checked())
class Outcome:
    """What a command did.

    You hand it back to ``desk.run``, so its fields are checked as those of all that you make.

    >>> from retour import Actor, MemoryShop, ReturnDesk
    >>> from retour.testing import a_line, an_order
    >>> desk = ReturnDesk(shop=MemoryShop([an_order(a_line("cup", 2))]), store="sqlite://")
    >>> outcome = desk.mark_returned("1001", by=Actor.staff("anna"))
    >>> outcome.changed, outcome.order_status.value, outcome.restock.restocked
    (True, 'returned', {'cup': 2})
    >>> desk.close()
    """

    order_id: str
    """The order."""

    version: int
    """Of the dossier after it: the number of its last event."""

    changed: bool
    """False when there was nothing to do, and when a request_id had been used before: then the outcome is the first
    one's."""

    returns: tuple[ReturnOutcome, ...] = ()
    """What it did to each return. Most commands touch one, of which ``return_id``, ``receipt_id`` and ``restock``
    speak; where goods of several were counted at once, they speak of the first that needs an answer."""

    refund: Refund | None = None
    """The refund that it was about, as it is now."""

    label: Label | None = None
    """The label that it was about, as it is now."""

    effect_ids: tuple[str, ...] = ()
    """The effects that ``desk.run(outcome)`` runs."""

    commit_id: str = ""
    """Names the commit that holds all of it."""

    order_status: OrderStatus = OrderStatus.NOT_RETURNED
    """What you can make of your own order's status."""

    not_asked: tuple[NotAsked, ...] = ()
    """The payments that ``reconcile`` could not ask about: of their refunds nothing new is known."""

    @property
    def refund_id(self) -> str | None:
        """The id of the refund, where the command is about one."""
        return self.refund.id if self.refund is not None else None

    @property
    def label_id(self) -> str | None:
        """The id of the label, where the command is about one."""
        return self.label.id if self.label is not None else None

    @property
    def _main(self) -> ReturnOutcome | None:
        waiting = [one for one in self.returns if one.restock.needs_answer]
        return waiting[0] if waiting else (self.returns[-1] if self.returns else None)

    @property
    def return_id(self) -> str:
        """The id of the return; empty when the command touched none."""
        return self._main.return_id if self._main is not None else ""

    @property
    def return_number(self) -> str:
        """The number of the return, for its label and for mails; empty when the command touched none."""
        return self._main.number if self._main is not None else ""

    @property
    def receipt_id(self) -> str | None:
        """The id of the receipt that the command made, if it made one."""
        return self._main.receipt_id if self._main is not None else None

    @property
    def restock(self) -> RestockOutcome:
        """What is decided about the stock."""
        if self._main is None:
            return RestockOutcome(state=StockState.NOTHING, question=None, restocked={}, by_hand={})
        return self._main.restock


@frozen(kw_only=True)
class WebhookReceipt:
    """What became of a webhook that was taken. Neither number is a reason to answer with an error."""

    kept: int
    """How many things it said about payments that we know, and that were kept."""

    unknown: int = 0
    """How many were about payments that nobody here knows by the name it used: the provider is asked later what else it
    calls them, and the shop whose they are."""


@frozen(kw_only=True)
class SettingsCheck:
    """Whether the settings of a provider's account work."""

    ok: bool
    """Whether the provider said that all is well."""

    asked: bool
    """Whether the provider itself was asked; some have nothing to ask, and then the settings were only read."""

    reason: Text | None = None
    """What is wrong, or why nothing was asked; None where the provider said that all is well."""


@frozen(kw_only=True)
class SetAside:
    """Who has set an order that cannot be read aside, when, and why."""

    by: Actor
    """Who did."""

    because: str
    """Why, in his words."""

    at: datetime.datetime
    """When (UTC)."""

    @property
    def words(self) -> Text:
        """The same as a sentence."""
        return text(
            "{by} set the order aside on {day}: {because}.",
            by=self.by.id,
            day=self.at.date(),
            because=self.because.rstrip("."),
        )


@frozen(kw_only=True)
class UnreadableOrder:
    """An order that cannot be read, or of which an effect cannot. The events after one that cannot be read are not
    looked at."""

    order_id: str
    """The order."""

    rows: tuple[UnreadableRow, ...]
    """What cannot be read: which, why, and what can be done. None where one that was set aside reads again: its effects
    wait until somebody takes it back."""

    since: datetime.datetime
    """When that was first seen (UTC)."""

    set_aside: SetAside | None = None
    """Who set it aside, and why; None while nobody has."""


@frozen(kw_only=True)
class UnreadablePage:
    """A page of a list of unreadable orders. Those that read again meanwhile are left out, so a page can hold fewer
    than were asked for."""

    orders: tuple[UnreadableOrder, ...]
    """Those of this page."""

    next: str | None
    """What to hand back as ``after`` for the next page; None on the last one."""


@frozen(kw_only=True)
class Postponed:
    """Something that ``work()`` could not do now, and that is tried again later."""

    shop: str
    """The shop's id."""

    order_id: str
    """The order."""

    what: str
    """The kind of an effect, or "expire a return"."""

    problem: str
    """For whoever mends it, in English. Empty for what only waits: a refund that is still pending, an effect for which
    no time was left."""


@frozen(kw_only=True)
class WorkReport:
    """What one call of ``work()`` did. A refund that was looked at, and of which its provider had no news, is neither
    done nor failed."""

    done: int = 0
    """Effects that were done."""

    failed: int = 0
    """Effects that failed, and are tried again later."""

    expired: int = 0
    """Returns whose last day to send passed."""

    forgotten: int = 0
    """Pieces of personal data whose time had come."""

    pruned: int = 0
    """Effects that were done long ago, and are not kept any longer."""

    completed: int = 0
    """Orders whose rows in lists lacked something after an upgrade, and have it now."""

    postponed: tuple[Postponed, ...] = ()
    """Of each effect that failed, and of each return that could not expire: why."""

    left_alone: Mapping[str, int] = attrs.field(factory=dict)
    """How many effects are due and of a kind that this retour does not know, by kind: a newer one made them. They are
    counted when all else is done: a call that did as much as it may counts none."""

    @property
    def idle(self) -> bool:
        """Whether nothing was due that could be done or tried: call it again after a pause."""
        return not (self.done or self.failed or self.expired or self.forgotten or self.pruned or self.completed)


def restock_question(undecided: Mapping[str, int], because: Reason | None = None) -> RestockQuestion:
    """The question about units of each order line that nobody has decided about."""
    return RestockQuestion(
        sentence=texts(
            "The stock of {count} unit is not updated yet. Add it back to stock?",
            "The stock of {count} units is not updated yet. Add them all back to stock?",
            sum(undecided.values()),
        ),
        ok=text("OK – restock everything"),
        cancel=text("Cancel – I will restock myself"),
        choose=text("Choose per product"),
        units=dict(undecided),
        because=because,
    )


def return_outcome(
    return_: Return, undecided: Mapping[str, int], *, receipt_id: str | None, because: Reason | None
) -> ReturnOutcome:
    """A return with the question that it waits for, if it does."""
    question = restock_question(undecided, because) if return_.question_open else None
    return ReturnOutcome(
        return_id=return_.id,
        number=return_.number,
        receipt_id=receipt_id,
        goods=return_.goods,
        restock=RestockOutcome(
            state=return_.stock,
            question=question,
            restocked={line_id: units for line_id, units in return_.moved().items() if units},
            by_hand=dict(return_.by_hand),
        ),
    )
