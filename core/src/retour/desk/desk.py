"""ReturnDesk: one object that a host embeds, one method for each thing a person does.

A command reads the order, asks the deciding hooks, applies the pure rules, commits events with their effects in one
transaction, and then runs those effects. Every error is a `RetourError` and means that nothing was changed.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from zoneinfo import ZoneInfo

import attrs
from sqlalchemy import Connection, Engine

from retour.desk.flow import Flow, Request, as_it_is_now
from retour.desk.house import House, ready
from retour.desk.links import Links
from retour.desk.money import RefundDesk, being_sent
from retour.effects import inbox
from retour.effects.kinds import KINDS, Outside
from retour.effects.refunding import Refunding
from retour.effects.runner import Runner
from retour.model.actor import Actor
from retour.model.dossier import Dossier
from retour.model.errors import (
    InvalidReference,
    InvalidWebhook,
    NotPossibleNow,
    StoreLocked,
)
from retour.model.history import fold
from retour.model.money import Money
from retour.model.order import BankAccount, Mode, Order
from retour.model.outcome import (
    Outcome,
    Page,
    Postponed,
    RefundPage,
    RefundSummary,
    ReturnSummary,
    WebhookReceipt,
    WorkReport,
)
from retour.model.reasons import Reason
from retour.model.refunds import RefundLink, RefundOption, RefundState
from retour.model.returns import (
    Counted,
    GoodsState,
    RequestedLine,
    RestockDecision,
    ReturnRequest,
    StockState,
)
from retour.model.shipping import ShippingOption, ShippingWay
from retour.model.text import Text, text
from retour.model.timeline import Audience, TimelineEntry
from retour.plugins.accounts import Accounts, Settings
from retour.plugins.context import HookContext
from retour.plugins.hooks import Hooks
from retour.plugins.registry import Plugin, load
from retour.providers.errors import without_people
from retour.rules import goods, refunds, stock, timeline
from retour.rules.draft import Draft
from retour.rules.goods import Arrival, LinesCounted, LinesToSend
from retour.shop import Shop, shops_of
from retour.store.clock import microseconds
from retour.store.store import EffectTaken, Store

log = logging.getLogger("retour.desk")


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _always(settings: Settings) -> Callable[[str], Settings]:
    """The same settings for every shop."""
    return lambda _: settings


class ReturnDesk:
    """The returns of one shop.

    ``shop`` is the host's `Shop`, or a function from a shop's id to its `Shop` for a host with many. ``store`` is a
    database address (``sqlite:///returns.db``, ``postgresql+psycopg://…``) or an engine made by `retour.connect`.
    ``plugins`` are names of installed plugins and plugin objects; nothing else is loaded. ``settings`` are the
    plugins' settings by provider name, or a function from a shop's id to them; a second account at one provider is
    ``"mollie:name"``. ``shop_id`` names the shop in the store. ``zone`` is the zone of the shop's calendar days.
    ``inline_seconds`` is how long a command may run its own effects; 0 leaves them all to ``work()``. ``migrate``
    makes or upgrades the tables: by default only on SQLite.

    Raises `InvalidShop`, `InvalidSettings` with every fault at once, `PluginClash`, and the store's errors. A plugin
    that is missing or broken does not raise: see ``plugins``. The `Shop` that a function gives is looked at when it is
    first met.
    """

    def __init__(
        self,
        *,
        shop: Shop | Callable[[str], Shop],
        store: str | Engine,
        plugins: Iterable[object] = (),
        settings: Settings | Callable[[str], Settings] | None = None,
        shop_id: str = "default",
        zone: str = "Europe/Amsterdam",
        inline_seconds: float = 10.0,
        migrate: bool | None = None,
        clock: Callable[[], datetime.datetime] = _now,
    ) -> None:
        shops = shops_of(shop)
        registry = load(plugins)
        of_many = callable(settings)
        accounts = Accounts(registry, settings if callable(settings) else _always(settings or {}))
        del settings  # it holds keys, and a host may log the variables of an error's frames
        if not of_many:
            accounts.check(shop_id)
        hooks = Hooks(registry)
        opened = Store(ready(store, migrate))
        house = House(
            store=opened,
            registry=registry,
            hooks=hooks,
            accounts=accounts,
            runner=Runner(
                store=opened,
                outside=Outside(shops=shops, hooks=hooks, refunding=Refunding(accounts, clock)),
                clock=clock,
            ),
            shops=shops,
            clock=clock,
            zone=ZoneInfo(zone),
            inline_seconds=inline_seconds,
            owns_engine=isinstance(store, str),
        )
        self._enter(house, shop_id)

    def for_shop(self, shop_id: str) -> ReturnDesk:
        """The same desk for another shop of the same host: a cheap view, made whenever it is needed.

        Raises `InvalidSettings` when the settings of that shop are wrong.
        """
        self._house.accounts.check(shop_id)
        return self._view(shop_id)

    def close(self) -> None:
        """Close the database connections that the desk opened; an engine that the host made stays open."""
        if self._house.owns_engine:
            self._house.store.engine.dispose()

    @property
    def plugins(self) -> Sequence[Plugin]:
        """The plugins that were named, with their status, and the reason for each that is off."""
        return tuple(self._house.registry.plugins.values())

    # --- the goods track -----------------------------------------------------------------------------

    def request_return(
        self, order_id: str, lines: LinesToSend, *, by: Actor, request_id: str, note: str | None = None
    ) -> Outcome:
        """A customer (or staff for him) wants to send ``lines`` back: ``{"line-1": 1}`` or `RequestedLine` values.

        Without objections of a `return_policy` it is approved at once; a refusal rejects what a customer asks.
        """

        given = goods.given_lines(order_id, lines, RequestedLine)

        def decide(draft: Draft, order: Order) -> None:
            asked = goods.requested_lines(draft.dossier, order, given)
            return_id = draft.new_id("rt")
            request = ReturnRequest(return_id=return_id, lines=asked)
            objections = self._house.hooks.return_policy(order, request, self._flow.context(draft))
            goods.request(draft, order, return_id, asked, objections, note)

        arguments = ("request_return", given, note)
        return self._flow.command(order_id, by, decide, request=Request.of(order_id, request_id, arguments))

    def approve_return(
        self,
        order_id: str,
        return_id: str,
        *,
        by: Actor,
        send_by: datetime.date | None = None,
        note: str | None = None,
    ) -> Outcome:
        """Say that the goods may come back; after ``send_by`` (a day in the shop's zone) an unsent return expires."""
        return self._flow.command(
            order_id, by, lambda draft, order: goods.approve(draft, order, return_id, send_by, note)
        )

    def reject_return(
        self, order_id: str, return_id: str, *, by: Actor, because: str, note: str | None = None
    ) -> Outcome:
        """Say that the goods may not come back; the customer reads ``because``. Its units never count as returned."""
        return self._flow.command(
            order_id, by, lambda draft, order: goods.reject(draft, order, return_id, because, note)
        )

    def mark_sent(
        self, order_id: str, return_id: str, *, by: Actor, tracking: str = "", note: str | None = None
    ) -> Outcome:
        """The goods are on their way back, with a ``tracking`` number if there is one."""
        return self._flow.command(
            order_id, by, lambda draft, order: goods.send(draft, order, return_id, tracking, note)
        )

    def cancel_return(self, order_id: str, return_id: str, *, by: Actor, note: str | None = None) -> Outcome:
        """The goods will not come back. Possible until something of them was counted."""
        return self._flow.command(order_id, by, lambda draft, order: goods.cancel(draft, order, return_id, note))

    def close_return(self, order_id: str, return_id: str, *, by: Actor, note: str | None = None) -> Outcome:
        """Expect nothing more: units that were announced and never counted can be in another return."""
        return self._flow.command(order_id, by, lambda draft, order: goods.close(draft, order, return_id, note))

    def receive(
        self,
        order_id: str,
        return_id: str,
        lines: LinesCounted,
        *,
        by: Actor,
        request_id: str,
        more_than_requested: bool = False,
        note: str | None = None,
    ) -> Outcome:
        """Count one parcel of an announced return: ``{"line-1": 1}`` (sellable) or `Counted` values.

        More units than were announced are refused unless ``more_than_requested`` says that staff has seen them.
        """

        given = goods.given_lines(order_id, lines, Counted)

        def decide(draft: Draft, order: Order) -> None:
            counts = goods.counted_lines(order, given)
            arrival = goods.arrival_on(
                draft.dossier,
                order,
                return_id,
                counts,
                draft.new_id,
                more_than_requested=more_than_requested,
            )
            self._receive(draft, order, [arrival], note)

        arguments = ("receive", return_id, given, more_than_requested, note)
        return self._flow.command(order_id, by, decide, request=Request.of(order_id, request_id, arguments))

    def mark_returned(
        self,
        order_id: str,
        lines: LinesCounted | None = None,
        *,
        by: Actor,
        request_id: str | None = None,
        note: str | None = None,
        connection: Connection | None = None,
    ) -> Outcome:
        """The merchant set the order to Returned and saved.

        Without ``lines``: everything that was fulfilled and not counted yet came back, sellable. Saying it twice
        changes nothing. With ``lines`` (``{"line-1": 1}`` or `Counted` values): that part came back, and
        ``request_id`` is needed. Units that were announced count on their own returns, the rest on a new one.

        The outcome says whether the merchant has to answer about the stock. Money never moves.

        ``connection`` is the host's own, in a transaction: order row and events commit together, and the host calls
        ``desk.run(outcome)`` after its commit.
        """

        given = None if lines is None else goods.given_lines(order_id, lines, Counted)

        def decide(draft: Draft, order: Order) -> None:
            if given is None:
                counts = goods.everything_outstanding(draft.dossier, order)
            else:
                counts = goods.counted_lines(order, given)
            arrivals = goods.arrivals(draft.dossier, order, counts, draft.new_id, named=given is not None)
            self._receive(draft, order, arrivals, note)

        request = None
        if given is not None or request_id is not None:
            request = Request.of(order_id, request_id, ("mark_returned", given, note))
        return self._flow.command(order_id, by, decide, request=request, connection=connection, shows_received=True)

    def correct_receipt(
        self, order_id: str, receipt_id: str, lines: LinesCounted, *, by: Actor, note: str | None = None
    ) -> Outcome:
        """A receipt was counted wrong: ``lines`` are the right counts (zero is allowed) of the lines that were wrong.

        Nothing is edited: a new event, and if more went back in stock than is there, a movement below zero.
        """

        given = goods.given_lines(order_id, lines, Counted)

        def decide(draft: Draft, order: Order) -> None:
            counts = goods.counted_lines(order, given, zero_allowed=True)
            return_ = draft.dossier.return_of_receipt(receipt_id)
            changed = goods.changed_counts(draft.dossier, order, receipt_id, counts)
            if not changed:
                return
            arrival = Arrival(return_id=return_.id, receipt_id=receipt_id, lines=changed)
            returned = goods.returned(draft.dossier, order, arrival)
            policy = self._house.hooks.restock_policy(order, returned, self._flow.context(draft))
            goods.correct(draft, order, receipt_id, changed, note)
            stock.after_correction(draft, order, return_.id, policy)
            goods.end_if_nothing_came(draft, return_.id)

        return self._flow.command(order_id, by, decide)

    # --- the stock track -----------------------------------------------------------------------------

    def answer_restock(
        self,
        order_id: str,
        return_id: str,
        decision: RestockDecision,
        *,
        by: Actor,
        connection: Connection | None = None,
    ) -> Outcome:
        """The merchant's answer about the stock: ``RestockDecision.all()`` (OK), ``.by_hand()`` (Cancel), or
        ``.lines({"line-1": 1})``. The same answer twice changes nothing.

        ``connection`` is the host's own, as in `mark_returned`.
        """

        def decide(draft: Draft, order: Order) -> None:
            stock.answer(draft, order, return_id, decision)

        return self._flow.command(order_id, by, decide, connection=connection, shows=return_id)

    # --- the money track -----------------------------------------------------------------------------

    def refund_options(self, order_id: str) -> Sequence[RefundOption]:
        """What can go back on each payment, how much we suggest for the goods that came back, and where to do it.

        Reads only: nothing is reserved and no money moves.
        """
        order, dossier = self._flow.read(order_id)
        ctx = HookContext(shop=self.shop_id, by=Actor.system(), at=self._house.clock())
        quoted = self._refunds.quote(dossier, order, ctx)
        return tuple(
            [
                RefundOption(
                    payment=share.payment,
                    captured=share.payment.captured,
                    refunded=share.refunded,
                    left=share.left,
                    suggested=share.suggested,
                    link=self._links.refund_link(
                        order, share.payment, share.suggested or share.left, None, ctx, dossier
                    ),
                    because=quoted.because,
                )
                for share in quoted.shares
            ]
        )

    def refund_link(
        self,
        order_id: str,
        payment: str | None = None,
        amount: Money | None = None,
        *,
        refund_id: str | None = None,
        to: BankAccount | None = None,
    ) -> RefundLink:
        """Where a person goes to refund ``amount`` of one payment, named by its id or reference.

        Without ``amount``: what we suggest, or else all that is left. With ``refund_id`` alone: where to make that
        refund, which waits and has its amount reserved. ``to`` is the account for a bank transfer, where the order
        does not name its payer's. A payment whose plugin is missing or broken gets an answer too.
        """
        order, dossier = self._flow.read(order_id)
        ctx = HookContext(shop=self.shop_id, by=Actor.system(), at=self._house.clock())
        if refund_id is not None:
            return self._links.waiting_link(order, refunds.waiting(dossier, refund_id), to, ctx, dossier)
        if payment is None:
            raise InvalidReference(text("Order {order}: name a payment, or a refund that waits.", order=order_id))
        chosen = order.payment(payment)
        if amount is None:
            shares = self._refunds.quote(dossier, order, ctx).shares
            share = next(one for one in shares if one.payment is chosen)
            amount = share.suggested or share.left
        else:
            refunds.check_amount(dossier, order, chosen, amount)
        return self._links.refund_link(order, chosen, amount, to, ctx, dossier)

    def confirm_refund(
        self,
        order_id: str,
        payment: str,
        amount: Money,
        *,
        reference: str,
        by: Actor,
        request_id: str,
        refund_id: str | None = None,
        return_id: str | None = None,
        note: str | None = None,
    ) -> Outcome:
        """A person says: ``amount`` went back on this payment, and the provider or bank calls it ``reference``.

        It settles the refund called ``refund_id``, or the only one that waits on this payment with this amount;
        without one it is a refund that nobody announced.
        """

        def decide(draft: Draft, order: Order) -> None:
            refunds.confirm(draft, order, order.payment(payment), amount, reference, return_id, note, refund_id)

        arguments = ("confirm_refund", payment, str(amount), reference, refund_id, return_id, note)
        return self._flow.command(order_id, by, decide, request=Request.of(order_id, request_id, arguments))

    def refund(
        self,
        order_id: str,
        payment: str,
        amount: Money,
        *,
        by: Actor,
        request_id: str,
        return_id: str | None = None,
        instead_of: str | None = None,
        note: str | None = None,
    ) -> Outcome:
        """Refund ``amount`` of one payment through its provider's API, once.

        What is known to be impossible is refused at once; then the provider is asked what it refunds and whether it
        can. The outcome says where the refund is then:
        succeeded only if the provider said so. One that only a person can make, by bank transfer, or that is too late
        for its provider, waits for the merchant: ``refund_link(order_id, refund_id=...)`` says how to make it.

        ``instead_of`` is a refund that waits for the merchant: its payment is reconciled first, and it is cancelled in
        the same step. Raises `NotPossibleNow` where that payment's provider cannot be asked whether it was made
        meanwhile, and where the provider cannot refund by API; use ``open_refund_link``.
        """
        arguments = ("refund", payment, str(amount), return_id, instead_of, note)
        request = Request.of(order_id, request_id, arguments)

        def plan(draft: Draft, order: Order, target: str = "", page: str = "", hold: Reason | None = None) -> None:
            refunds.plan(
                draft,
                order,
                order.payment(payment),
                amount,
                target,
                hold=hold,
                page=page,
                return_id=return_id,
                instead_of=instead_of,
                note=note,
            )

        order, history = self._flow.history(order_id)
        before = self._flow.first_outcome(order, history, request)
        if before is not None:  # a double click asks no provider anything
            return before
        self._flow.rehearse(order, history, by, plan)
        if instead_of is not None and self._refunds.look_before_replacing(order, history.dossier, instead_of).changed:
            order, history = self._flow.history(order_id)
            before = self._flow.first_outcome(order, history, request)
            if before is not None:
                return before
            self._flow.rehearse(order, history, by, plan)
        try:
            refundable = self._refunds.refundable(order, order.payment(payment))
        except NotPossibleNow:  # the same click, a moment ahead, may have taken what was left
            before = self._flow.first_outcome(*self._flow.history(order_id), request)
            if before is not None:
                return before
            raise

        def decide(draft: Draft, order: Order) -> None:
            hold = self._refunds.approval(draft, order, order.payment(payment), amount)
            plan(draft, order, refundable.target, refundable.url, hold)

        return self._flow.command(order_id, by, decide, request=request)

    def open_refund_link(
        self,
        order_id: str,
        payment: str,
        amount: Money,
        *,
        by: Actor,
        request_id: str,
        return_id: str | None = None,
        note: str | None = None,
    ) -> Outcome:
        """A person goes to refund ``amount`` by hand, at the provider or the bank: the amount is reserved until the
        refund is found there, confirmed, or cancelled. Where to go says ``refund_link(order_id, refund_id=...)``."""

        def decide(draft: Draft, order: Order) -> None:
            chosen = order.payment(payment)
            by_person = self._house.accounts.by_person(chosen.provider)
            refunds.open_link(draft, order, chosen, amount, return_id, note, by_transfer=by_person)

        arguments = ("open_refund_link", payment, str(amount), return_id, note)
        return self._flow.command(order_id, by, decide, request=Request.of(order_id, request_id, arguments))

    def reverse_refund(
        self, order_id: str, refund_id: str, *, reference: str, by: Actor, note: str | None = None
    ) -> Outcome:
        """A person says: the money of a refund that was confirmed by hand came back, as a bank sends back a transfer
        to an account that was closed; ``reference`` is what the bank calls that line. The amount can be refunded again.

        The same twice changes nothing. Raises `NotPossibleNow` for a refund that was not confirmed by hand: what a
        provider said of one only the provider can take back.
        """
        return self._flow.command(
            order_id, by, lambda draft, order: refunds.reverse(draft, order, refund_id, reference, note)
        )

    def cancel_refund(self, order_id: str, refund_id: str, *, by: Actor, note: str | None = None) -> Outcome:
        """Give up a refund that waits for a person or for its next try, or ask the provider to take back one that it
        has pending.

        The outcome says which: cancelled, or still pending with ``cancelling`` until the provider has answered. Raises
        `NotPossibleNow` where the money is gone, or on its way with a provider that takes nothing back.
        """

        def decide(draft: Draft, order: Order) -> None:
            self._refunds.check_cancellable(draft.dossier, order, refund_id)
            draft.withdrawn.extend(self._refunds.still_to_send(draft.dossier, refund_id))
            refunds.cancel(draft, order, refund_id, note, withdrawn=bool(draft.withdrawn))

        try:
            return self._flow.command(order_id, by, decide)
        except EffectTaken:  # a worker was faster
            raise being_sent(self._flow.read(order_id)[1], refund_id) from None

    def hand_over_refund(self, order_id: str, refund_id: str, batch: str, *, by: Actor) -> Outcome:
        """A refund by bank transfer is in the file for the bank called ``batch`` (1 to 35 characters); an empty name
        takes it out again. The same twice changes nothing; a refund that is in one batch is refused for another."""
        return self._flow.command(order_id, by, lambda draft, _: refunds.hand_over(draft, refund_id, batch))

    def retry_refund(self, order_id: str, refund_id: str, *, by: Actor) -> Outcome:
        """Let a refund that waits for a person go on: with its own key, and after asking the provider where a try of
        it may have happened."""
        return self._flow.command(order_id, by, lambda draft, _: refunds.retry(draft, refund_id))

    def match_refund(self, order_id: str, refund_id: str, external_id: str, *, by: Actor) -> Outcome:
        """Say that a refund found at the provider is one of ours, so that it counts once."""
        return self._flow.command(order_id, by, lambda draft, _: refunds.match(draft, refund_id, external_id))

    def reconcile(self, order_id: str) -> Outcome:
        """Read all refunds of the order's payments at their providers, and record what we did not know.

        A refund that the merchant made in a dashboard closes the one that waited for it; one that nobody asked for
        appears as external and lowers what is left. Payments that could not be asked about are in the outcome's
        ``not_asked``, each with the reason; what the providers of the others said is recorded all the same.
        """
        return self._refunds.record(order_id, self._refunds.books(self._flow.order(order_id).payments))

    def receive_webhook(
        self,
        provider: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        account: str = "default",
        mode: Mode = Mode.LIVE,
    ) -> WebhookReceipt:
        """A provider's webhook, as it came in: any header names, the raw body. Answer 200 when this returns.

        It is verified, kept, and then acted on; the same one again changes nothing. What is about a payment that
        neither we nor the shop know is not kept. Raises `InvalidWebhook` for one that is not the provider's (answer
        400). Answer 500 to everything else, so that it is sent again: `NotPossibleNow` when the provider could not be
        asked whether it is genuine or the plugin broke over it (the log says where), and the store's errors when it
        could not be kept.
        """
        source = self._house.accounts.payment(self.shop_id, provider, account, mode)
        if isinstance(source, Text):
            raise InvalidWebhook(text("A webhook of {provider}: {why}", provider=provider, why=source))
        told = inbox.read(source, headers, body)
        kept = []
        for target, effect in inbox.effects(self.shop_id, provider, account, told):
            order_id = self.find_order(provider, target)
            if order_id is not None:
                kept += self._refunds.keep(order_id, provider, target, effect)
        if kept and self._house.inline_seconds > 0:
            self._flow.run_effects(kept)
        return WebhookReceipt(kept=len(kept))

    # --- looking -------------------------------------------------------------------------------------

    def timeline(self, order_id: str, audience: Audience | str = Audience.STAFF) -> Sequence[TimelineEntry]:
        """Who did what and when, the oldest first, for the "staff" or for the "customer"."""
        try:
            reader = Audience(audience)
        except ValueError:
            raise InvalidReference(
                text("{audience} reads no timeline; staff and customer do.", audience=str(audience))
            ) from None
        order = self._flow.order(order_id)
        events = self._house.store.events(self.shop_id, order_id)
        notes = self._house.store.notes(self.shop_id, order_id) if reader is Audience.STAFF else {}
        dossier = fold(order_id, events)
        pages = self._links.pages(order, dossier) if reader is Audience.STAFF else {}
        return timeline.entries(order, events, reader, notes=notes, pages=pages)

    def dossier(self, order_id: str) -> Dossier:
        """All that is known of an order's returns; empty when nothing happened yet. Raises `UnknownOrder`."""
        return self._flow.read(order_id)[1]

    def list_returns(
        self,
        *,
        goods: GoodsState | Sequence[GoodsState] | None = None,
        stock: StockState | Sequence[StockState] | None = None,
        waits_for: str | None = None,
        order_id: str | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> Page:
        """A page of the shop's returns, the newest first. Filters: goods and stock states, what they wait for (see
        `ReturnSummary`), one order. ``after`` is the ``next`` of the page before; ``limit`` is 1 to 500."""
        filters = _filters(goods=goods, stock=stock, waits_for=waits_for, order_id=order_id)
        _check_page(limit)
        rows, following = self._house.store.list_returns(self.shop_id, filters, limit=limit, after=after)
        return Page(
            returns=tuple(
                [
                    ReturnSummary(
                        order_id=row.order_id,
                        return_id=row.return_id,
                        goods=GoodsState(row.goods),
                        stock=StockState(row.stock),
                        waits_for=row.waits_for,
                        since=row.since,
                        due=row.due,
                        opened_at=row.opened_at,
                    )
                    for row in rows
                ]
            ),
            next=following,
        )

    def list_refunds(
        self,
        *,
        state: RefundState | Sequence[RefundState] | None = None,
        waits_for: str | Sequence[str] | None = None,
        order_id: str | None = None,
        refund_id: str | Sequence[str] | None = None,
        batch: str | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> RefundPage:
        """A page of the shop's refunds, the newest first. Filters: states, what they wait for (see `RefundSummary`),
        one order, refunds by their id, one batch for the bank. ``after`` is the ``next`` of the page before; ``limit``
        is 1 to 500."""
        filters = _filters(state=state, waits_for=waits_for, order_id=order_id, refund_id=refund_id, batch=batch)
        _check_page(limit)
        rows, following = self._house.store.list_refunds(self.shop_id, filters, limit=limit, after=after)
        return RefundPage(
            refunds=tuple(
                [
                    RefundSummary(
                        order_id=row.order_id,
                        refund_id=row.refund_id,
                        payment=row.payment,
                        amount=Money(minor=row.minor, currency=row.currency),
                        state=RefundState(row.state),
                        waits_for=row.waits_for,
                        since=row.since,
                        opened_at=row.opened_at,
                        batch=row.batch,
                    )
                    for row in rows
                ]
            ),
            next=following,
        )

    def find_order(self, provider: str, reference: str) -> str | None:
        """The id of the order that was paid by ``reference`` at ``provider``: one that we saw, else one that the
        shop finds; None when neither knows it."""
        found = self._house.store.find_order(self.shop_id, provider, reference)
        return found if found is not None else self._flow.shop.find_order(provider, reference)

    def shipping_options(self, order_id: str) -> Sequence[ShippingOption]:
        """The ways in which the customer can send goods of this order back; sending it himself is always one."""
        order = self._flow.order(order_id)
        portal = self._links.portal(order)
        options = [] if portal is None else [portal]
        options.append(
            ShippingOption(
                way=ShippingWay.SELF,
                provider="",
                label=text("Send it yourself"),
                instruction=text(
                    "Send the parcel with a carrier of your own choice. "
                    "Keep the tracking number and tell it to the shop."
                ),
            )
        )
        return tuple(options)

    # --- work ----------------------------------------------------------------------------------------

    def run(self, outcome: Outcome) -> Outcome:
        """Run the effects of a command that was made on the host's own connection, after the host has committed."""
        if outcome.effect_ids:
            self._flow.run_effects(outcome.effect_ids)
        dossier = fold(outcome.order_id, self._house.store.events(self.shop_id, outcome.order_id))
        order = dossier.order or self._flow.order(outcome.order_id)
        returns = [
            as_it_is_now(dossier.returns[one.return_id], order, one)
            for one in outcome.returns
            if one.return_id in dossier.returns
        ]
        return attrs.evolve(outcome, version=dossier.version, returns=tuple(returns), effect_ids=())

    def work(self, *, limit: int = 1000) -> WorkReport:
        """Do what is due, for all shops of the store: personal data whose time has come, effects that were left or
        failed, returns whose last day passed. At most ``limit`` of each. What fails is put off, and the rest goes on.

        Call it from cron, a scheduler or a task queue, as often as a retry may be late; any number may run at once.
        """
        house = self._house
        forgotten = house.store.forget_expired(microseconds(house.clock()), limit)
        ran = house.runner.work(limit)
        expired, not_expired = self._expire_overdue(limit)
        left_alone = house.store.left_alone(KINDS)
        for kind, count in left_alone.items():
            log.warning("%s effects of kind %s are left alone: a newer retour made them. Upgrade retour.", count, kind)
        return WorkReport(
            done=ran.done,
            failed=len(ran.postponed),
            expired=expired,
            forgotten=forgotten,
            postponed=(*ran.postponed, *not_expired),
            left_alone=left_alone,
        )

    def _receive(self, draft: Draft, order: Order, arrivals: Sequence[Arrival], note: str | None) -> None:
        """Count what arrived and decide about its stock, one receipt after the other."""
        for arrival in arrivals:
            returned = goods.returned(draft.dossier, order, arrival)
            policy = self._house.hooks.restock_policy(order, returned, self._flow.context(draft))
            goods.receive(draft, order, arrival, note)
            stock.after_receipt(draft, order, arrival.return_id, policy)

    def _expire_overdue(self, limit: int) -> tuple[int, list[Postponed]]:
        """Let up to ``limit`` returns expire, of all shops; one that cannot is passed by, and looked at again by the
        next call."""
        today = self._house.clock().astimezone(self._house.zone).date()
        expired, postponed = 0, list[Postponed]()
        for shop_id, order_id, return_id in self._house.store.overdue(today):
            if expired == limit:
                break
            try:
                expired += self._expire(shop_id, order_id, return_id, today)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - it costs this return and no other
                problem = without_people(f"{type(error).__name__}: {error}")
                log.warning("return %s of order %s cannot expire: %s", return_id, order_id, problem)
                postponed.append(Postponed(shop=shop_id, order_id=order_id, what="expire a return", problem=problem))
                if isinstance(error, StoreLocked):  # so it is for all of them
                    break
        return expired, postponed

    def _expire(self, shop_id: str, order_id: str, return_id: str, today: datetime.date) -> bool:
        """The shop is not asked: it may have no such order any more."""
        flow = Flow(self._house, shop_id)
        return flow.as_last_seen(
            order_id, Actor.system(), lambda draft, _: goods.expire(draft, return_id, today)
        ).changed

    def _enter(self, house: House, shop_id: str) -> None:
        self.shop_id = shop_id
        self._house = house
        self._flow = Flow(house, shop_id)
        self._links = Links(house, shop_id)
        self._refunds = RefundDesk(self._flow)

    def _view(self, shop_id: str) -> ReturnDesk:
        view = object.__new__(ReturnDesk)
        view._enter(self._house, shop_id)
        return view


def _filters(**given: str | Sequence[str] | None) -> dict[str, list[str]]:
    """The filters of a list that were given, each as the values that it lets through; an empty one lets none."""
    return {
        name: [str(value)] if isinstance(value, str) else [str(one) for one in value] or [""]
        for name, value in given.items()
        if value is not None
    }


def _check_page(limit: int) -> None:
    if not 1 <= limit <= 500:
        raise InvalidReference(text("A page holds 1 to 500 rows, not {limit}.", limit=limit))
