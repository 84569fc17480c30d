"""ReturnDesk: one object that a host embeds, one method for each thing a person does.

A command reads the order, asks the deciding hooks, applies the pure rules, commits events with their effects in one
transaction, and then runs those effects. Every error is a `RetourError` and means that nothing was changed.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import attrs
from sqlalchemy import Connection, Engine

from retour.effects import inbox
from retour.effects.refunding import Refunding
from retour.effects.runner import LEASE, Runner, as_claimed, by_order
from retour.hooks.accounts import Accounts, Settings
from retour.hooks.caller import Hooks
from retour.hooks.context import HookContext
from retour.hooks.registry import Plugin, Registry, load
from retour.model.actor import Actor
from retour.model.dossier import Dossier, History, fold
from retour.model.errors import (
    Busy,
    InvalidReference,
    InvalidWebhook,
    NotAllowed,
    NotPossibleNow,
    RequestReused,
    UnknownOrder,
)
from retour.model.events import GoodsReceived, Recorded, RestockAsked, touched_returns
from retour.model.ids import id_maker
from retour.model.money import Money
from retour.model.order import BankAccount, Mode, Order, Payment
from retour.model.outcome import (
    Outcome,
    Page,
    RefundPage,
    RefundSummary,
    ReturnOutcome,
    ReturnSummary,
    WebhookReceipt,
    WorkReport,
    return_outcome,
)
from retour.model.refunds import ApprovalKind, LinkKind, LinkRequest, RefundLink, RefundOption, RefundPlan, RefundState
from retour.model.returns import (
    Counted,
    GoodsState,
    RequestedLine,
    RestockDecision,
    Return,
    ReturnRequest,
    StockState,
)
from retour.model.shipping import ShippingOption, ShippingWay
from retour.model.text import Text, text
from retour.model.timeline import Audience, TimelineEntry
from retour.providers.errors import ProviderError
from retour.rules import goods, refunds, stock, timeline
from retour.rules.draft import Draft, Note
from retour.rules.goods import Arrival, LinesCounted, LinesToSend
from retour.rules.matching import record_seen
from retour.shop import Shop
from retour.store.clock import microseconds
from retour.store.connect import check_host_connection, connect
from retour.store.index import merged_refunds, reference_rows, refund_rows, return_rows
from retour.store.migrations import check, migrate
from retour.store.records import digest, event_row
from retour.store.store import Commit, Store, VersionMoved

DAYS_NOTES_ARE_KEPT = 365
"""Calendar days after which notes are forgotten: they are operational data, no books and no evidence."""

_ROUNDS = 3
"""How often the hooks are asked and the rules applied while others keep changing the same order."""


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


@attrs.frozen(kw_only=True)
class _House:
    """What all shops of one desk share."""

    store: Store
    registry: Registry
    hooks: Hooks
    accounts: Accounts
    runner: Runner
    shops: Callable[[str], Shop]
    clock: Callable[[], datetime.datetime]
    zone: ZoneInfo
    inline_seconds: float
    owns_engine: bool


class ReturnDesk:
    """The returns of one shop.

    ``shop`` is the host's `Shop`, or a function from a shop's id to its `Shop` for a host with many. ``store`` is a
    database address (``sqlite:///returns.db``, ``postgresql+psycopg://…``) or an engine made by `retour.connect`.
    ``plugins`` are names of installed plugins and plugin objects; nothing else is loaded. ``settings`` are the
    plugins' settings by provider name, or a function from a shop's id to them; a second account at one provider is
    ``"mollie:name"``. ``shop_id`` names the shop in the store. ``zone`` is the zone of the shop's calendar days.
    ``inline_seconds`` is how long a command may run its own effects; 0 leaves them all to ``work()``. ``migrate``
    makes or upgrades the tables: by default only on SQLite.

    Raises `InvalidSettings` with every fault at once, `PluginClash`, and the store's errors. A plugin that is
    missing or broken does not raise: see ``plugins``.
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
        registry = load(plugins)
        accounts = Accounts(registry, settings if callable(settings) else lambda _: settings or {})
        if not callable(settings):
            accounts.check(shop_id)
        hooks = Hooks(registry)
        opened = Store(_ready(store, migrate))
        shops: Callable[[str], Shop] = (lambda _: shop) if isinstance(shop, Shop) else shop
        self.shop_id = shop_id
        self._house = _House(
            store=opened,
            registry=registry,
            hooks=hooks,
            accounts=accounts,
            runner=Runner(store=opened, hooks=hooks, shops=shops, refunding=Refunding(accounts, clock), clock=clock),
            shops=shops,
            clock=clock,
            zone=ZoneInfo(zone),
            inline_seconds=inline_seconds,
            owns_engine=isinstance(store, str),
        )

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
            objections = self._house.hooks.return_policy(order, request, self._context(draft))
            goods.request(draft, order, return_id, asked, objections, note)

        arguments = ("request_return", given, note)
        return self._command(order_id, by, decide, request=_Request.of(order_id, request_id, arguments))

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
        return self._command(order_id, by, lambda draft, order: goods.approve(draft, order, return_id, send_by, note))

    def reject_return(
        self, order_id: str, return_id: str, *, by: Actor, because: str, note: str | None = None
    ) -> Outcome:
        """Say that the goods may not come back; the customer reads ``because``. Its units never count as returned."""
        return self._command(order_id, by, lambda draft, order: goods.reject(draft, order, return_id, because, note))

    def mark_sent(
        self, order_id: str, return_id: str, *, by: Actor, tracking: str = "", note: str | None = None
    ) -> Outcome:
        """The goods are on their way back, with a ``tracking`` number if there is one."""
        return self._command(order_id, by, lambda draft, order: goods.send(draft, order, return_id, tracking, note))

    def cancel_return(self, order_id: str, return_id: str, *, by: Actor, note: str | None = None) -> Outcome:
        """The goods will not come back. Possible until something of them was counted."""
        return self._command(order_id, by, lambda draft, order: goods.cancel(draft, order, return_id, note))

    def close_return(self, order_id: str, return_id: str, *, by: Actor, note: str | None = None) -> Outcome:
        """Expect nothing more: units that were announced and never counted can be in another return."""
        return self._command(order_id, by, lambda draft, order: goods.close(draft, order, return_id, note))

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
        return self._command(order_id, by, decide, request=_Request.of(order_id, request_id, arguments))

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
            self._receive(draft, order, goods.arrivals(draft.dossier, order, counts, draft.new_id), note)

        request = None
        if given is not None or request_id is not None:
            request = _Request.of(order_id, request_id, ("mark_returned", given, note))
        return self._command(order_id, by, decide, request=request, connection=connection, shows_received=True)

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
            policy = self._house.hooks.restock_policy(order, returned, self._context(draft))
            goods.correct(draft, order, receipt_id, changed, note)
            stock.after_correction(draft, order, return_.id, policy)
            goods.end_if_nothing_came(draft, return_.id)

        return self._command(order_id, by, decide)

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

        return self._command(order_id, by, decide, connection=connection, shows=return_id)

    # --- the money track -----------------------------------------------------------------------------

    def refund_options(self, order_id: str) -> Sequence[RefundOption]:
        """What can go back on each payment, how much we suggest for the goods that came back, and where to do it.

        Reads only: nothing is reserved and no money moves.
        """
        order, dossier = self._read(order_id)
        ctx = HookContext(shop=self.shop_id, by=Actor.system(), at=self._house.clock())
        return tuple(
            [
                RefundOption(
                    payment=share.payment,
                    captured=share.payment.captured,
                    refunded=share.refunded,
                    left=share.left,
                    suggested=share.suggested,
                    link=self._link(order, share.payment, share.suggested or share.left, None, ctx),
                )
                for share in refunds.shares(dossier, order)
            ]
        )

    def refund_link(
        self, order_id: str, payment: str, amount: Money | None = None, *, to: BankAccount | None = None
    ) -> RefundLink:
        """Where a person goes to refund ``amount`` of one payment, named by its id or reference.

        Without ``amount``: what we suggest, or else all that is left. ``to`` is the account for a bank transfer,
        where the order does not name its payer's. A payment whose plugin is missing or broken gets an answer too.
        """
        order, dossier = self._read(order_id)
        chosen = order.payment(payment)
        if amount is None:
            share = next(one for one in refunds.shares(dossier, order) if one.payment is chosen)
            amount = share.suggested or share.left
        else:
            refunds.check_amount(dossier, order, chosen, amount)
        ctx = HookContext(shop=self.shop_id, by=Actor.system(), at=self._house.clock())
        return self._link(order, chosen, amount, to, ctx)

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
        return self._command(order_id, by, decide, request=_Request.of(order_id, request_id, arguments))

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

        The provider is asked first what it refunds and whether it can. The outcome says where the refund is then:
        succeeded only if the provider said so. ``instead_of`` is a refund that waits for the merchant: its payment is
        reconciled first, and it is cancelled in the same step. Raises `NotPossibleNow` where the provider cannot
        refund this payment by API; use ``open_refund_link``.
        """
        if instead_of is not None:
            self.reconcile(order_id)
        target = self._target(order_id, payment)

        def decide(draft: Draft, order: Order) -> None:
            chosen = order.payment(payment)
            hold = self._approval(draft, order, chosen, amount)
            refunds.plan(
                draft,
                order,
                chosen,
                amount,
                target,
                hold=hold,
                return_id=return_id,
                instead_of=instead_of,
                note=note,
            )

        arguments = ("refund", payment, str(amount), return_id, instead_of, note)
        return self._command(order_id, by, decide, request=_Request.of(order_id, request_id, arguments))

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
        refund is found there, confirmed, or cancelled. Where to go says ``refund_link``."""

        def decide(draft: Draft, order: Order) -> None:
            refunds.open_link(draft, order, order.payment(payment), amount, return_id, note)

        arguments = ("open_refund_link", payment, str(amount), return_id, note)
        return self._command(order_id, by, decide, request=_Request.of(order_id, request_id, arguments))

    def cancel_refund(self, order_id: str, refund_id: str, *, by: Actor, note: str | None = None) -> Outcome:
        """Give up a refund that waits for a person. Impossible once it was sent: its outcome is the provider's."""
        return self._command(order_id, by, lambda draft, order: refunds.cancel(draft, order, refund_id, note))

    def retry_refund(self, order_id: str, refund_id: str, *, by: Actor) -> Outcome:
        """Let a refund that waits for a person go on: with its own key, and after asking the provider where a try of
        it may have happened."""
        return self._command(order_id, by, lambda draft, _: refunds.retry(draft, refund_id))

    def match_refund(self, order_id: str, refund_id: str, external_id: str, *, by: Actor) -> Outcome:
        """Say that a refund found at the provider is one of ours, so that it counts once."""
        return self._command(order_id, by, lambda draft, _: refunds.match(draft, refund_id, external_id))

    def reconcile(self, order_id: str) -> Outcome:
        """Read all refunds of the order's payments at their providers, and record what we did not know.

        A refund that the merchant made in a dashboard closes the one that waited for it; one that nobody asked for
        appears as external and lowers what is left. Raises `NotPossibleNow` when a provider cannot be asked.
        """
        order, dossier = self._read(order_id)
        known = dossier if dossier.order is not None else attrs.evolve(dossier, order=order)
        seen = {}
        for payment in order.payments:
            try:
                _, seen[payment.id] = self._house.runner.refunding.seen(self.shop_id, known, payment.id)
            except ProviderError as error:
                raise NotPossibleNow(_cannot_ask(order_id, payment, error)) from error

        def decide(draft: Draft, fresh: Order) -> None:
            for payment in fresh.payments:
                record_seen(draft, payment, seen.get(payment.id, ()))

        return self._command(order_id, Actor.system(), decide)

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
        400), and the store's errors when it could not be kept (answer 500, so that it is sent again).
        """
        source = self._house.accounts.payment(self.shop_id, provider, account, mode)
        if isinstance(source, Text):
            raise InvalidWebhook(text("A webhook of {provider}: {why}", provider=provider, why=source))
        told = inbox.read(source, headers, body)
        kept = []
        for target, effect in inbox.effects(provider, account, told):
            order_id = self.find_order(provider, target)
            if order_id is not None:
                kept += self._keep(order_id, provider, target, effect)
        if kept and self._house.inline_seconds > 0:
            self._run_effects(kept)
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
        order = self._order(order_id)
        events = self._house.store.events(self.shop_id, order_id)
        notes = self._house.store.notes(self.shop_id, order_id) if reader is Audience.STAFF else {}
        return timeline.entries(order, events, reader, notes, lambda payment: self._payment_url(order, payment))

    def dossier(self, order_id: str) -> Dossier:
        """All that is known of an order's returns; empty when nothing happened yet. Raises `UnknownOrder`."""
        return self._read(order_id)[1]

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
        waits_for: str | None = None,
        order_id: str | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> RefundPage:
        """A page of the shop's refunds, the newest first. Filters: states, what they wait for (see `RefundSummary`),
        one order. ``after`` is the ``next`` of the page before; ``limit`` is 1 to 500."""
        filters = _filters(state=state, waits_for=waits_for, order_id=order_id)
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
        return found if found is not None else self._shop.find_order(provider, reference)

    def shipping_options(self, order_id: str) -> Sequence[ShippingOption]:
        """The ways in which the customer can send goods of this order back; sending it himself is always one."""
        order = self._order(order_id)
        options = []
        if order.delivery is not None and order.delivery.provider:
            provider = self._house.accounts.shipping(self.shop_id, order.delivery.provider)
            if not isinstance(provider, Text):
                options += _portal(lambda: provider.portal_url(order))
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
            self._run_effects(outcome.effect_ids)
        dossier = fold(outcome.order_id, self._house.store.events(self.shop_id, outcome.order_id))
        order = dossier.order or self._order(outcome.order_id)
        returns = [
            _as_it_is_now(dossier.returns[one.return_id], order, one)
            for one in outcome.returns
            if one.return_id in dossier.returns
        ]
        return attrs.evolve(outcome, version=dossier.version, returns=tuple(returns), effect_ids=())

    def work(self, *, limit: int = 1000) -> WorkReport:
        """Do what is due, for all shops of the store: effects that were left or failed, returns whose last day
        passed, personal data whose time has come. At most ``limit`` of each.

        Call it from cron, a scheduler or a task queue, as often as a retry may be late; any number may run at once.
        """
        house = self._house
        done, failed = house.runner.work(limit)
        now = house.clock()
        expired = 0
        today = now.astimezone(house.zone).date()
        for shop_id, order_id, return_id in house.store.overdue(today, limit):
            desk = self if shop_id == self.shop_id else self._view(shop_id)
            expired += desk._expire(order_id, return_id, today)
        forgotten = house.store.forget_expired(microseconds(now), limit)
        return WorkReport(done=done, failed=failed, expired=expired, forgotten=forgotten)

    # --- how a command flows -------------------------------------------------------------------------

    def _command(
        self,
        order_id: str,
        by: Actor,
        decide: Callable[[Draft, Order], object],
        *,
        request: _Request | None = None,
        connection: Connection | None = None,
        shows: str | None = None,
        shows_received: bool = False,
        keeps_order: bool = False,
    ) -> Outcome:
        """Read the order, decide, commit; then run the effects and tell what became of it.

        Decides again, hooks included, when somebody else changed the order in between. On a host's ``connection``
        the order is locked first, so that cannot happen there.
        """
        if not isinstance(by, Actor):
            raise NotAllowed(text('Say who does this: by=Actor.staff("anna").'))
        order = self._order(order_id)
        if connection is not None:
            check_host_connection(connection)
            with connection.begin_nested():
                self._house.store.lock(connection, self.shop_id, order_id)
                return self._round(order, by, decide, request, connection, shows, shows_received, keeps_order)
        for _ in range(_ROUNDS):
            try:
                return self._round(order, by, decide, request, None, shows, shows_received, keeps_order)
            except VersionMoved:
                order = self._order(order_id)
        raise Busy(
            text(
                "Order {order} was changed by somebody else at the same moment. Nothing was changed; try again.",
                order=order_id,
            )
        )

    def _round(
        self,
        order: Order,
        by: Actor,
        decide: Callable[[Draft, Order], object],
        request: _Request | None,
        connection: Connection | None,
        shows: str | None,
        shows_received: bool,
        keeps_order: bool,
    ) -> Outcome:
        house = self._house
        history = History.of(order.id, house.store.events(self.shop_id, order.id, connection))
        dossier = history.dossier
        if request is not None and request.id in dossier.requests:
            return self._first_outcome(order, history, request)
        now = house.clock()
        draft = Draft(
            dossier=dossier,
            at=now,
            by=by,
            new_id=id_maker(microseconds(now) // 1000),
            request_id=request.id if request is not None else None,
            request_digest=request.digest if request is not None else None,
        )
        draft.see(order)
        seen = 0 if keeps_order else len(draft.events)
        decide(draft, order)
        changed = len(draft.events) > seen
        if not changed:
            return self._outcome(order, draft.dossier, [], (), shows, shows_received)
        inline = connection is None and house.inline_seconds > 0
        owner = draft.new_id("wk") if inline else None
        effects = house.runner.new_effects(order.id, draft.events, draft.new_id, owner)
        house.store.save(
            Commit(
                shop=self.shop_id,
                order_id=order.id,
                expected=dossier.version,
                events=[event_row(self.shop_id, order.id, one) for one in draft.events],
                returns=return_rows(self.shop_id, draft.dossier, draft.events),
                refunds=refund_rows(self.shop_id, draft.dossier, draft.events),
                merged_refunds=merged_refunds(draft.events),
                references=reference_rows(self.shop_id, draft.dossier, draft.events),
                personal=[self._note_row(order, note, now) for note in draft.notes],
                effects=effects,
            ),
            connection,
        )
        history = history.after(draft.events, draft.dossier)
        if inline and effects:
            claimed = as_claimed(self.shop_id, order.id, effects)
            _, _, history = house.runner.run(claimed, history, until=self._until())
        ids = () if inline else tuple([effect.id for effect in effects])
        return self._outcome(order, history.dossier, draft.events, ids, shows, shows_received)

    def _first_outcome(self, order: Order, history: History, request: _Request) -> Outcome:
        """The outcome of a request_id that was used before; an error if it was used for something else."""
        digest, command = history.dossier.requests[request.id]
        if digest != request.digest:
            raise RequestReused(
                text(
                    "Order {order}: request_id {request} was used before for something else. "
                    "Make a new one for each form that is shown.",
                    order=order.id,
                    request=request.id,
                )
            )
        own = [recorded for recorded in history.events if recorded.command == command]
        outcome = self._outcome(order, history.dossier, own, (), None, False)
        return attrs.evolve(outcome, changed=False, version=own[-1].seq)

    def _outcome(
        self,
        order: Order,
        dossier: Dossier,
        events: Sequence[Recorded],
        effect_ids: tuple[str, ...],
        shows: str | None,
        shows_received: bool,
    ) -> Outcome:
        """What a command's own events made of the returns they speak of.

        Where nothing changed, a command can show what it is about: one return, or all that goods were received on.
        """
        receipts = {
            recorded.event.return_id: recorded.event.receipt_id
            for recorded in events
            if isinstance(recorded.event, GoodsReceived)
        }
        because = {
            recorded.event.return_id: recorded.event.because
            for recorded in events
            if isinstance(recorded.event, RestockAsked)
        }
        touched = touched_returns(events)
        if not events and shows is not None:
            touched = [shows]
        if not events and shows_received:
            touched = [one.id for one in dossier.returns.values() if one.live and one.receipts]
        refunded = [one.event.refund_id for one in events if hasattr(one.event, "refund_id")]
        return Outcome(
            order_id=order.id,
            version=dossier.version,
            changed=bool(events),
            returns=tuple(
                [
                    return_outcome(
                        dossier.returns[return_id],
                        stock.undecided(dossier.returns[return_id], order),
                        receipt_id=receipts.get(return_id),
                        because=because.get(return_id, ""),
                    )
                    for return_id in touched
                    if return_id in dossier.returns
                ]
            ),
            refund=dossier.refunds.get(refunded[-1]) if refunded else None,
            effect_ids=effect_ids,
        )

    def _receive(self, draft: Draft, order: Order, arrivals: Sequence[Arrival], note: str | None) -> None:
        """Count what arrived and decide about its stock, one receipt after the other."""
        for arrival in arrivals:
            returned = goods.returned(draft.dossier, order, arrival)
            policy = self._house.hooks.restock_policy(order, returned, self._context(draft))
            goods.receive(draft, order, arrival, note)
            stock.after_receipt(draft, order, arrival.return_id, policy)

    def _expire(self, order_id: str, return_id: str, today: datetime.date) -> bool:
        return self._command(order_id, Actor.system(), lambda draft, _: goods.expire(draft, return_id, today)).changed

    # --- the small print -----------------------------------------------------------------------------

    @property
    def _shop(self) -> Shop:
        return self._house.shops(self.shop_id)

    def _view(self, shop_id: str) -> ReturnDesk:
        view = object.__new__(ReturnDesk)
        view.shop_id = shop_id
        view._house = self._house
        return view

    def _order(self, order_id: str) -> Order:
        order = self._shop.order(order_id)
        if order is None or order.id != order_id:
            raise UnknownOrder(text("The shop has no order {order}. Check the number.", order=str(order_id)))
        return order

    def _read(self, order_id: str) -> tuple[Order, Dossier]:
        order = self._order(order_id)
        return order, fold(order_id, self._house.store.events(self.shop_id, order_id))

    def _run_effects(self, ids: Sequence[str]) -> None:
        owner = id_maker(time.time_ns() // 1_000_000)("wk")
        claimed = self._house.store.claim(owner, lease=LEASE, limit=len(ids), ids=ids)
        for batch in by_order(claimed):
            self._house.runner.run(batch, until=self._until())

    def _keep(self, order_id: str, provider: str, target: str, effect: inbox.Told) -> list[str]:
        """Store what a webhook said of one payment of an order; gives the ids of the effects that act on it."""
        order, dossier = self._read(order_id)
        payment = inbox.payment_of_target(order, dossier, provider, target)
        if payment is None:
            return []
        if dossier.order is None:
            self._command(order_id, Actor.system(), lambda _, __: None, keeps_order=True)
        new = effect.as_effect(payment, id_maker(microseconds(self._house.clock()) // 1000))
        self._house.store.add_effects(self.shop_id, order_id, [new])
        return [new.id]

    def _target(self, order_id: str, payment: str) -> str:
        """What the provider refunds of a payment, asked before anything is decided. Raises `NotPossibleNow`."""
        chosen = self._order(order_id).payment(payment)
        provider = self._house.accounts.refunding(self.shop_id, chosen)
        if isinstance(provider, Text):
            raise NotPossibleNow(
                text(
                    "Order {order}: payment {payment} cannot be refunded by API: {why}. Use its refund link.",
                    order=order_id,
                    payment=chosen.id,
                    why=provider,
                )
            )
        try:
            refundable = provider.refundable(chosen)
        except ProviderError as error:
            raise NotPossibleNow(_cannot_ask(order_id, chosen, error)) from error
        if not refundable.possible:
            raise NotPossibleNow(
                text(
                    "Order {order}: payment {payment} cannot be refunded by API: {why}. Use its refund link.",
                    order=order_id,
                    payment=chosen.id,
                    why=refundable.reason,
                )
            )
        return refundable.target

    def _approval(self, draft: Draft, order: Order, payment: Payment, amount: Money) -> str:
        """Why a refund has to wait for a person; empty when it may go. Raises `NotAllowed` when a policy refuses."""
        plan = RefundPlan(payment=payment.id, amount=amount)
        answer = self._house.hooks.refund_approval(order, plan, self._context(draft))
        if answer.kind is ApprovalKind.REFUSE:
            raise NotAllowed(
                text("Order {order}: this refund is refused: {because}", order=order.id, because=answer.because)
            )
        return answer.because or "held" if answer.kind is ApprovalKind.HOLD else ""

    def _context(self, draft: Draft) -> HookContext:
        return HookContext(shop=self.shop_id, by=draft.by, at=draft.at)

    def _until(self) -> float:
        return time.monotonic() + self._house.inline_seconds

    def _note_row(self, order: Order, note: Note, now: datetime.datetime) -> dict[str, object]:
        return {
            "shop": self.shop_id,
            "id": note.id,
            "order_id": order.id,
            "customer": note.customer,
            "class": "operational",
            "expires_at": microseconds(now + datetime.timedelta(days=DAYS_NOTES_ARE_KEPT)),
            "body": note.words,
        }

    def _link(
        self, order: Order, payment: Payment, amount: Money, to: BankAccount | None, ctx: HookContext
    ) -> RefundLink:
        if not amount:
            return _NOTHING_LEFT
        chosen = self._house.hooks.refund_link(order, payment, amount, ctx)
        if chosen is not None:
            return chosen
        provider = self._house.accounts.payment(self.shop_id, payment.provider, payment.account, payment.mode)
        if isinstance(provider, Text):
            return _no_link(payment, amount, provider)
        request = LinkRequest(
            order_id=order.id,
            payment=payment,
            amount=amount,
            remittance=f"Retour {order.id}",
            to=to or payment.payer,
        )
        try:
            link: Any = provider.refund_url(request)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a broken plugin still gets an answer
            return _no_link(payment, amount, text("it failed: {error}", error=type(error).__name__))
        if not isinstance(link, RefundLink):
            return _no_link(payment, amount, text("it failed: {error}", error="no RefundLink"))
        return link

    def _payment_url(self, order: Order, payment_id: str) -> str:
        """The page of a payment at its provider, for the timeline; empty where there is none."""
        for payment in order.payments:
            if payment.id == payment_id:
                ctx = HookContext(shop=self.shop_id, by=Actor.system(), at=self._house.clock())
                return self._link(order, payment, payment.captured, None, ctx).url
        return ""


def _cannot_ask(order_id: str, payment: Payment, error: ProviderError) -> Text:
    return text(
        "Order {order}: {provider} cannot be asked about payment {payment} now: {error}. Nothing was changed.",
        order=order_id,
        provider=payment.provider,
        payment=payment.id,
        error=str(error),
    )


@attrs.frozen
class _Request:
    """The identity of a command that adds something: the host's request_id, and a digest of the arguments."""

    id: str
    digest: str

    @classmethod
    def of(cls, order_id: str, request_id: str | None, arguments: tuple[object, ...]) -> _Request:
        if not isinstance(request_id, str) or not 1 <= len(request_id) <= 200:
            raise RequestReused(
                text(
                    "Order {order}: this needs a request_id, 1 to 200 characters, made when the form is shown, "
                    "so that a double click does it once.",
                    order=str(order_id),
                )
            )
        return cls(request_id, digest(arguments))


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


def _ready(store: str | Engine, migrate_now: bool | None) -> Engine:
    """The engine of a store whose tables are there; one that we made is closed again when they are not."""
    engine = connect(store) if isinstance(store, str) else store
    try:
        if migrate_now if migrate_now is not None else engine.dialect.name == "sqlite":
            migrate(engine)
        else:
            check(engine)
    except BaseException:
        if isinstance(store, str):
            engine.dispose()
        raise
    return engine


def _portal(ask: Callable[[], ShippingOption | None]) -> list[ShippingOption]:
    try:
        option = ask()
    except (Exception, SystemExit):  # noqa: BLE001 - without a portal the customer sends it himself
        return []
    return [option] if isinstance(option, ShippingOption) else []


_NOTHING_LEFT = RefundLink(
    kind=LinkKind.UNAVAILABLE,
    label=text("Nothing left to refund"),
    instruction=text("Nothing was received on this payment, or all of it went back already."),
)


def _no_link(payment: Payment, amount: Money, why: Text) -> RefundLink:
    """The answer for a payment whose plugin cannot say where to go: what is known, and what to do."""
    return RefundLink(
        kind=LinkKind.UNAVAILABLE,
        label=text("Refund at {provider} yourself", provider=payment.provider),
        instruction=text(
            "The plugin for {provider} cannot help: {why}. Refund {amount} of payment {reference} in the account "
            "of {provider}, then confirm it here with the reference that you find there.",
            provider=payment.provider,
            why=why,
            amount=amount,
            reference=payment.reference,
        ),
    )


def _as_it_is_now(return_: Return, order: Order, before: ReturnOutcome) -> ReturnOutcome:
    """A return of an outcome after its effects ran."""
    question = before.restock.question
    return return_outcome(
        return_,
        stock.undecided(return_, order),
        receipt_id=before.receipt_id,
        because=question.because if question is not None else "",
    )
