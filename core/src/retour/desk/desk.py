"""ReturnDesk: one object that a host embeds, one method for each thing a person does.

A command reads the order, asks the deciding hooks, applies the pure rules, commits events with their effects in one
transaction, and then runs those effects. Every error is a `RetourError` and means that nothing was decided; where
nobody can say, it is `PerhapsSaved`.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import Connection, Engine

from retour.desk.arguments import (
    arguments_checked,
    check_clock,
    check_elapsed,
    check_keep_done,
    check_migrate,
    check_seconds,
    check_settings,
    check_shop_id,
    check_store,
    header_names_and_values,
    listed_plugins,
    parcel_steps_of,
    return_address_of,
)
from retour.desk.attention import AttentionDesk, attention_kind
from retour.desk.coming_back import ComingBack, CountingGoods, counted_before
from retour.desk.commands import Command, Commands, Decide, Request
from retour.desk.completing import Completing
from retour.desk.doctor import Doctor
from retour.desk.figures import Figures
from retour.desk.label_desk import LabelDesk
from retour.desk.labels import Labels
from retour.desk.links import Links
from retour.desk.list_desk import ListDesk
from retour.desk.lists import Lists, check_page
from retour.desk.offered_reasons import ReturnReasons, return_reasons_of
from retour.desk.possible import Possible
from retour.desk.reconcile import Reconciling
from retour.desk.refund_by_api import RefundByApi, Wanted
from retour.desk.refund_by_person import RefundByPerson
from retour.desk.refund_by_transfer import RefundByTransfer, WantedTransfer
from retour.desk.refund_offers import RefundOffers
from retour.desk.refund_questions import RefundQuestions
from retour.desk.services import Services, ready
from retour.desk.webhooks import Webhooks
from retour.desk.work import Work
from retour.effects.keeping import Keeping
from retour.effects.kinds import Outside, effects_of
from retour.effects.labelling import Labelling
from retour.effects.pruning import USUALLY_KEPT, Pruning
from retour.effects.refunding import Refunding
from retour.effects.runner import Runner
from retour.effects.shipment_words import ShipmentWords
from retour.effects.whose_payment import WhosePayment
from retour.model.actor import Actor, ActorKind
from retour.model.attention import AttentionKind, AttentionPage
from retour.model.calendar import zone_of
from retour.model.can_do import CanDo
from retour.model.destinations import Consent
from retour.model.dossier import Dossier
from retour.model.errors import InvalidArgument
from retour.model.evidence import EvidenceFile
from retour.model.fields import shown
from retour.model.labels import ParcelState, WhatFollows
from retour.model.making import changed
from retour.model.money import Money
from retour.model.order import BankAccount, Mode, Order
from retour.model.outcome import (
    Outcome,
    SettingsCheck,
    UnreadablePage,
    WebhookReceipt,
    WorkReport,
)
from retour.model.parcels import Address
from retour.model.refunds import RefundLink, RefundOption
from retour.model.return_reasons import DEFAULT_RETURN_REASONS, ReturnReason
from retour.model.returns import Counted, RequestedLine, RestockDecision, ReturnRequest
from retour.model.shipping import ShippingOption
from retour.model.text import text
from retour.model.timeline import Audience, TimelineEntry
from retour.model.unseen import unseen
from retour.plugins.accounts import Accounts, Settings
from retour.plugins.hooks import Hooks
from retour.plugins.registry import Plugin, load
from retour.rules import counting, payment_identity, refunds, requests, stock, timeline
from retour.rules.counting import Arrival
from retour.rules.draft import Draft
from retour.rules.lines import LinesCounted, LinesToSend, given_lines
from retour.shop import Shop, is_shop, shops_of
from retour.steps.case import Cases
from retour.steps.commit import Commits
from retour.store.clock import seconds_gone_by
from retour.store.store import Store

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


Steps: TypeAlias = Mapping[ParcelState, WhatFollows]
"""What follows from the steps of a parcel."""


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _always(settings: Settings) -> Callable[[str], Settings]:
    """The same settings for every shop."""
    return lambda _: settings


@arguments_checked
class ReturnDesk(LabelDesk, ListDesk):
    """The returns of one shop.

    ``shop`` is the host's `Shop`, or a function from a shop's id to its `Shop` for a host with many. ``store`` is a
    database address (``sqlite:///returns.db``, ``postgresql+psycopg://…``) or an engine made by `retour.connect`.
    ``plugins`` are names of installed plugins and plugin objects; nothing else is loaded. ``settings`` are the
    plugins' settings by provider name, or a function from a shop's id to them; a second account at one provider is
    ``"mollie:name"``. ``return_reasons`` are what a customer can say why he sends something back: a list, or a function
    from a shop's id to one. ``return_address`` is where goods come back to, and ``parcel_steps`` what follows from a
    carrier's steps where that is not the usual (see `ParcelState`); each can be a function from a shop's id to it.
    ``shop_id`` names the shop in the store. ``zone`` is the zone of the shop's calendar days.
    ``inline_seconds`` is how long a command may run its own effects; 0 leaves them all to ``work()``.
    ``keep_done_effects`` is for how long it is known what was done, 30 days at least: a webhook that comes once more
    after that is taken for a new one. ``migrate`` makes or upgrades the tables: by default only on SQLite. ``clock``
    gives the time that the timeline shows, with its zone; it decides about no money. ``elapsed`` gives the seconds that
    go by, from any beginning: by default of a clock that counts a machine's sleep too, where there is one.

    Raises `InvalidArgument`, `InvalidShop`, `InvalidSettings` with every fault at once, `PluginClash`, and the store's
    errors. A plugin that is missing or broken does not raise: see ``plugins``. The `Shop` and the settings that a
    function gives are looked at when they are first needed.
    """

    def __init__(
        self,
        *,
        shop: Shop | Callable[[str], Shop],
        store: str | Engine,
        plugins: Iterable[object] = (),
        settings: Settings | Callable[[str], Settings] | None = None,
        return_reasons: ReturnReasons | None = None,
        shop_id: str = "default",
        zone: str = "Europe/Amsterdam",
        return_address: Address | Callable[[str], Address | None] | None = None,
        parcel_steps: Steps | Callable[[str], Steps] | None = None,
        inline_seconds: float = 10.0,
        keep_done_effects: datetime.timedelta = USUALLY_KEPT,
        migrate: bool | None = None,
        clock: Callable[[], datetime.datetime] = _now,
        elapsed: Callable[[], float] = seconds_gone_by,
    ) -> None:
        store = unseen(store) if isinstance(store, str) else store  # it holds a password
        shops = shops_of(shop)
        check_store(store)
        check_settings(settings)
        reasons = return_reasons_of(return_reasons)
        check_shop_id(shop_id)
        calendar = zone_of(zone)
        check_seconds(inline_seconds)
        check_keep_done(keep_done_effects)
        check_migrate(migrate)
        check_clock(clock)
        check_elapsed(elapsed)
        registry = load(listed_plugins(plugins))
        of_many = callable(settings)
        accounts = Accounts(registry, settings if callable(settings) else _always(settings or {}))
        del settings  # it holds keys, and a host may log the variables of an error's frames
        if not of_many:
            accounts.check(shop_id)
        hooks = Hooks(registry)
        opened = Store(ready(store, migrate), elapsed)
        cases = Cases(store=opened, shops=shops)
        commits = Commits(store=opened, effects_of=effects_of(hooks), shops=shops)
        refunding = Refunding(accounts, cases, clock)
        words = ShipmentWords(accounts, opened, parcel_steps_of(parcel_steps), reasons)
        labelling = Labelling(accounts, opened, words)
        keeping = Keeping(cases=cases, commits=commits, clock=clock)
        services = Services(
            store=opened,
            cases=cases,
            commits=commits,
            registry=registry,
            hooks=hooks,
            accounts=accounts,
            refunding=refunding,
            runner=Runner(
                store=opened,
                cases=cases,
                commits=commits,
                outside=Outside(shops=shops, hooks=hooks, refunding=refunding, labelling=labelling, kept=opened.notes),
                clock=clock,
            ),
            keeping=keeping,
            completing=Completing(opened),
            pruning=Pruning(store=opened, kept=keep_done_effects),
            whose_payment=WhosePayment(store=opened, accounts=accounts, shops=shops, keeping=keeping),
            shops=shops,
            return_reasons=reasons,
            labelling=labelling,
            clock=clock,
            zone=calendar,
            return_address=return_address_of(return_address),
            inline_seconds=inline_seconds,
            owns_engine=isinstance(store, str),
            one_shop=is_shop(shop),
        )
        self._enter(services, shop_id)

    def for_shop(self, shop_id: str) -> ReturnDesk:
        """The same desk for another shop of the same host: a cheap view, made whenever it is needed.

        Its settings are not read before a provider is needed: one that is wrong is off by itself, see ``plugins``.
        Raises `InvalidArgument` where the desk was made with one `Shop`: its orders would be returned twice, under two
        ids.
        """
        check_shop_id(shop_id)
        if self._services.one_shop and shop_id != self.shop_id:
            raise InvalidArgument(
                text(
                    "This desk was made for one shop, {own}, and {other} is another. For many shops hand over a "
                    "function from a shop's id to its Shop: ReturnDesk(shop=function, ...).",
                    own=self.shop_id,
                    other=shop_id,
                )
            )
        return self._view(shop_id)

    def close(self) -> None:
        """Close the database connections that the desk opened; an engine that the host made stays open."""
        if self._services.owns_engine:
            self._services.store.engine.dispose()

    @property
    def plugins(self) -> Sequence[Plugin]:
        """The plugins that were named, with their status, the reason for each that is off, and what is wrong with the
        settings of their providers in this shop, as they are now. Never raises."""
        return self._services.accounts.plugins(self.shop_id)

    def check_settings(self, provider: str, account: str = "default", mode: Mode = Mode.LIVE) -> SettingsCheck:
        """Whether the settings of a provider work, as for a settings page of yours: they are read as they are now, and
        the provider is asked once, with one cheap call that moves nothing. A second account is named by ``account``, or
        as its settings are: ``check_settings("stripe:second")``. Never raises."""
        return self._services.accounts.ask(self.shop_id, provider, account, mode)

    @property
    def return_reasons(self) -> Sequence[ReturnReason]:
        """What a customer of this shop can say why he sends something back, in the order in which your form shows it:
        your list, or `DEFAULT_RETURN_REASONS` where you gave none."""
        offered = self._services.return_reasons(self.shop_id)
        return DEFAULT_RETURN_REASONS if offered is None else offered

    # --- the goods track -----------------------------------------------------------------------------

    def request_return(
        self,
        order_id: str,
        lines: LinesToSend,
        *,
        by: Actor,
        request_id: str,
        note: str | None = None,
        evidence: Sequence[EvidenceFile] = (),
        connection: Connection | Session | None = None,
    ) -> Outcome:
        """A customer (or staff for him) wants to send ``lines`` back: ``{"line-1": 1}``, or `RequestedLine` values with
        the code of one of the ``return_reasons`` each; ``evidence`` are files of yours, at most 50.

        Without objections of a `return_policy` it is approved at once; a refusal rejects what a customer asks.
        """
        note = unseen(note)

        given, files = given_lines(order_id, lines, RequestedLine), tuple(evidence)
        requests.check_evidence(order_id, len(files))

        def decide(draft: Draft, order: Order) -> None:
            asked = requests.requested_lines(draft.dossier, order, given)
            reasons = requests.chosen_reasons(order, asked, self._services.return_reasons(self.shop_id))
            return_id = draft.new_id("rt")
            request = ReturnRequest(return_id=return_id, lines=asked, files=len(files))
            objections = self._services.hooks.return_policy(order, request, self._commands.context(draft))
            requests.request(draft, order, return_id, asked, reasons, objections, files, note)

        arguments = ("request_return", given, note)  # as they were before there were files, where there are none
        request = Request.of(order_id, request_id, (*arguments, files) if files else arguments)
        return self._command(order_id, by, decide, request=request, connection=connection)

    def add_evidence(
        self,
        order_id: str,
        return_id: str,
        evidence: Sequence[EvidenceFile],
        *,
        by: Actor,
        request_id: str,
        note: str | None = None,
        connection: Connection | Session | None = None,
    ) -> Outcome:
        """Add files of yours to a return: the photo that staff asked for, or one of a parcel that arrived damaged."""
        note = unseen(note)
        files = tuple(evidence)

        def decide(draft: Draft, order: Order) -> None:
            requests.add_evidence(draft, order, return_id, files, note)

        request = Request.of(order_id, request_id, ("add_evidence", return_id, files, note))
        return self._command(order_id, by, decide, request=request, connection=connection, finishes=True)

    def evidence(self, order_id: str, return_id: str) -> Sequence[EvidenceFile]:
        """The files of a return that are still kept, the oldest first; who added which, and when, the timeline says."""
        ids = self._commands.dossier(order_id).return_(return_id).evidence_ids
        return timeline.kept_evidence(self._services.store.notes(self.shop_id, order_id) if ids else {}, ids)

    def approve_return(
        self,
        order_id: str,
        return_id: str,
        *,
        by: Actor,
        request_id: str | None = None,
        send_by: datetime.date | None = None,
        instructions: str | None = None,
        note: str | None = None,
        connection: Connection | Session | None = None,
    ) -> Outcome:
        """Say that the goods may come back; after ``send_by`` (a day in the shop's zone) an unsent return expires. The
        customer reads the ``instructions`` on his timeline, and `on_return_approved` hands them to you for your mail.

        Against the objections of a `return_policy` it is an override, and the timeline says so to staff: who, and which
        objections. Approve again, until the goods are sent, for another day or other instructions: what you do not give
        stays as it is, and the same twice changes nothing.
        """
        note, instructions = unseen(note), unseen(instructions)

        def told(words_id: str) -> str:
            return self._services.store.notes(self.shop_id, order_id).get(words_id, "")

        def decide(draft: Draft, order: Order) -> None:
            requests.approve(
                draft,
                order,
                return_id,
                send_by=send_by,
                instructions=instructions,
                note=note,
                today=self._today(),
                told=told,
            )

        request = Request.if_given(order_id, request_id, ("approve_return", return_id, send_by, instructions, note))
        return self._command(
            order_id, by, decide, request=request, connection=connection, expects=lambda _: [return_id]
        )

    def reject_return(
        self,
        order_id: str,
        return_id: str,
        *,
        by: Actor,
        request_id: str | None = None,
        because: str,
        note: str | None = None,
        connection: Connection | Session | None = None,
    ) -> Outcome:
        """Say that the goods may not come back; the customer reads ``because``. Its units never count as returned."""
        note = unseen(note)

        def decide(draft: Draft, order: Order) -> None:
            requests.reject(draft, order, return_id, because, note)

        request = Request.if_given(order_id, request_id, ("reject_return", return_id, because, note))
        return self._command(order_id, by, decide, request=request, connection=connection, finishes=True)

    def mark_sent(
        self,
        order_id: str,
        return_id: str,
        *,
        by: Actor,
        request_id: str | None = None,
        tracking: str = "",
        carrier: str = "",
        sent_on: datetime.date | None = None,
        proof: EvidenceFile | None = None,
        note: str | None = None,
        connection: Connection | Session | None = None,
    ) -> Outcome:
        """The goods are on their way back, with a ``tracking`` number if there is one, by a ``carrier`` as the customer
        calls it: `tracking_page` knows where PostNL, DHL, DPD, bpost, UPS and GLS show a parcel. ``proof`` is a file of
        yours that shows that he sent it, ``sent_on`` the day; say it again to add what was not known. The same twice
        changes nothing."""
        note = unseen(note)
        sent = requests.Sent(tracking=tracking, carrier=carrier, on=sent_on, proof=proof)

        def decide(draft: Draft, order: Order) -> None:
            requests.send(draft, order, return_id, sent, note, today=self._today())

        request = Request.if_given(order_id, request_id, ("mark_sent", return_id, sent, note))
        return self._command(order_id, by, decide, request=request, connection=connection)

    def cancel_return(
        self,
        order_id: str,
        return_id: str,
        *,
        by: Actor,
        request_id: str | None = None,
        note: str | None = None,
        connection: Connection | Session | None = None,
    ) -> Outcome:
        """The goods will not come back. Possible until something of them was counted."""
        note = unseen(note)

        def decide(draft: Draft, order: Order) -> None:
            requests.cancel(draft, order, return_id, note)

        request = Request.if_given(order_id, request_id, ("cancel_return", return_id, note))
        return self._command(order_id, by, decide, request=request, connection=connection, finishes=True)

    def close_return(
        self,
        order_id: str,
        return_id: str,
        *,
        by: Actor,
        request_id: str | None = None,
        note: str | None = None,
        connection: Connection | Session | None = None,
    ) -> Outcome:
        """Expect nothing more: units that were announced and never counted can be in another return."""
        note = unseen(note)

        def decide(draft: Draft, order: Order) -> None:
            requests.close(draft, order, return_id, note)

        request = Request.if_given(order_id, request_id, ("close_return", return_id, note))
        return self._command(order_id, by, decide, request=request, connection=connection, finishes=True)

    def reopen_return(
        self,
        order_id: str,
        return_id: str,
        *,
        by: Actor,
        request_id: str | None = None,
        send_by: datetime.date | None = None,
        note: str | None = None,
        connection: Connection | Session | None = None,
    ) -> Outcome:
        """Let a return that was rejected or cancelled, that expired or was closed go on where it was. Its units must
        still be in no other return: else it raises `WrongState`, which names those that have them.

        A last day that has passed is none any more; ``send_by`` gives another. One that was rejected waits for
        ``approve_return`` then.
        """
        note = unseen(note)

        def decide(draft: Draft, order: Order) -> None:
            requests.reopen(draft, order, return_id, send_by, note, today=self._today())

        request = Request.if_given(order_id, request_id, ("reopen_return", return_id, send_by, note))
        return self._command(order_id, by, decide, request=request, connection=connection)

    def receive(
        self,
        order_id: str,
        return_id: str,
        lines: LinesCounted,
        *,
        by: Actor,
        request_id: str,
        more_than_requested: bool = False,
        parcel: str = "",
        note: str | None = None,
        connection: Connection | Session | None = None,
    ) -> Outcome:
        """Count one parcel of an announced return: ``{"line-1": 1}`` (sellable) or `Counted` values.

        More units than were announced are refused unless ``more_than_requested`` says that staff has seen them: staff
        alone says it, and the return and its timeline show it.

        ``parcel`` is what the parcel is called: its tracking number, or a name of yours. A parcel of this return that
        was counted before is refused with `WrongState`, however its number is typed: two people who count it at once
        count it once. Without one, two counts are two parcels.
        """
        note = unseen(note)

        given = given_lines(order_id, lines, Counted)

        def decide(draft: Draft, order: Order) -> None:
            if more_than_requested:
                counting.check_may_count_more(draft)
            counting.check_parcel(draft.dossier, parcel, self._services.zone, return_id=return_id)
            counts = counting.counted_lines(order, given)
            arrival = counting.arrival_on(
                draft.dossier,
                order,
                return_id,
                counts,
                draft.new_id,
                more_than_requested=more_than_requested,
            )
            self._counting.count(draft, order, [arrival], note, parcel)

        arguments: tuple[object, ...] = ("receive", return_id, given, more_than_requested, note)
        if parcel:
            arguments = (*arguments, parcel)
        request = Request.of(order_id, request_id, arguments)
        return self._command(order_id, by, decide, request=request, connection=connection)

    def mark_returned(
        self,
        order_id: str,
        lines: LinesCounted | None = None,
        *,
        by: Actor,
        request_id: str | None = None,
        parcel: str = "",
        note: str | None = None,
        connection: Connection | Session | None = None,
    ) -> Outcome:
        """The merchant set the order to Returned and saved.

        Without ``lines``: everything that was fulfilled and not counted yet came back, sellable. Saying it twice
        changes nothing. With ``lines`` (``{"line-1": 1}`` or `Counted` values): that part came back, and
        ``request_id`` is needed. Units that were announced count on their own returns, the rest on a new one.
        ``parcel`` is what the parcel is called, as in `receive`: one that was counted on this order before is refused.

        The outcome says whether the merchant has to answer about the stock. Money never moves.

        ``connection`` is the host's own, in a transaction (SQLAlchemy's ``Connection`` or ``Session``): order row and
        events commit together, and the host calls ``desk.run(outcome)`` after its commit. All commands of goods and
        stock take one.
        """
        note = unseen(note)
        counted = None if lines is None else given_lines(order_id, lines, Counted)
        back = ComingBack(lines=counted, parcel=parcel, note=note)

        def decide(draft: Draft, order: Order) -> None:
            self._counting.count(draft, order, self._counting.arrivals(draft, order, back), note, parcel)

        request = None
        if counted is not None or request_id is not None:
            request = Request.of(order_id, request_id, ("mark_returned", *back.arguments))
        return self._command(order_id, by, decide, request=request, connection=connection, expects=counted_before)

    def return_and_refund(
        self,
        order_id: str,
        payment: str,
        amount: Money,
        lines: LinesCounted | None = None,
        *,
        by: Actor,
        request_id: str,
        parcel: str = "",
        note: str | None = None,
        also: Callable[[Connection], object] | None = None,
    ) -> Outcome:
        """The goods came back and ``amount`` of one payment goes back, by one press.

        It is what `mark_returned` counts and what `refund` decides through the provider's API, in one commit: both are
        there, or neither is. So it costs one reading of the order and one commit less than one after the other. The
        refund belongs to the return on which the goods were counted, where that is one. Where they were counted before,
        it is a refund alone.

        ``also`` writes what the host has to in the same transaction, on a connection of the desk's database: the
        order's status, say. It is called before anything of ours is written, perhaps more than once, neither commits
        nor rolls back, and what it raises is raised, with nothing written. The provider is asked after the commit.

        Raises what either of them raises. A refund that cannot be made by API, or not now, is no reason to leave the
        goods uncounted: use `mark_returned` for those then, and `open_refund_link` or `refund` for the money.
        """
        note = unseen(note)
        counted = None if lines is None else given_lines(order_id, lines, Counted)
        back = ComingBack(lines=counted, parcel=parcel, note=note)
        request = Request.of(order_id, request_id, ("return_and_refund", payment, shown(amount), *back.arguments))
        wanted = Wanted(payment=payment, amount=amount, goods=back, also=also)
        return self._by_api.refund(order_id, wanted, by, request)

    def correct_receipt(
        self,
        order_id: str,
        receipt_id: str,
        lines: LinesCounted,
        *,
        by: Actor,
        request_id: str | None = None,
        note: str | None = None,
        connection: Connection | Session | None = None,
    ) -> Outcome:
        """A receipt was counted wrong: ``lines`` are the right counts (zero is allowed) of the lines that were wrong.

        Nothing is edited: a new event, and if more went back in stock than is there, a movement below zero.
        """
        note = unseen(note)

        given = given_lines(order_id, lines, Counted)

        def decide(draft: Draft, order: Order) -> None:
            counts = counting.counted_lines(order, given, zero_allowed=True)
            return_ = draft.dossier.return_of_receipt(receipt_id)
            changed = counting.changed_counts(draft.dossier, order, receipt_id, counts)
            if not changed:
                return
            arrival = Arrival(return_id=return_.id, receipt_id=receipt_id, lines=changed)
            returned = counting.returned(draft.dossier, order, arrival)
            policy = self._services.hooks.restock_policy(order, returned, self._commands.context(draft))
            counting.correct(draft, order, receipt_id, changed, note)
            stock.after_correction(draft, order, return_.id, policy)
            counting.end_if_nothing_came(draft, return_.id)

        request = Request.if_given(order_id, request_id, ("correct_receipt", receipt_id, given, note))
        return self._command(order_id, by, decide, request=request, connection=connection, finishes=True)

    def inspect_receipt(
        self,
        order_id: str,
        receipt_id: str,
        lines: LinesCounted,
        *,
        by: Actor,
        request_id: str,
        note: str | None = None,
        connection: Connection | Session | None = None,
    ) -> Outcome:
        """Units of a receipt that were counted ``to_inspect`` were looked at: ``lines`` are those units, as
        ``{"line-1": 1}`` (sellable) or `Counted` values with what they are: sellable, damaged, missing or wrong.

        What is sellable is asked about as newly received units are. Raises `InvalidQuantity` for more than the receipt
        has left to inspect; what was judged wrong is put right with `correct_receipt`.
        """
        note = unseen(note)

        given = given_lines(order_id, lines, Counted)

        def decide(draft: Draft, order: Order) -> None:
            found = counting.inspected_lines(draft.dossier, order, receipt_id, given)
            return_id = draft.dossier.return_of_receipt(receipt_id).id
            counting.inspect(draft, order, return_id, receipt_id, found, note)
            returned = counting.as_returned(order, return_id, receipt_id, found, draft.dossier.extent)
            policy = self._services.hooks.restock_policy(order, returned, self._commands.context(draft))
            stock.after_receipt(draft, order, return_id, policy)

        request = Request.of(order_id, request_id, ("inspect_receipt", receipt_id, given, note))
        return self._command(order_id, by, decide, request=request, connection=connection, finishes=True)

    # --- the stock track -----------------------------------------------------------------------------

    def answer_restock(
        self,
        order_id: str,
        return_id: str,
        decision: RestockDecision,
        *,
        by: Actor,
        request_id: str | None = None,
        connection: Connection | Session | None = None,
    ) -> Outcome:
        """The merchant's answer about the stock: ``RestockDecision.all()`` (OK), ``.by_hand()`` (Cancel), or
        ``.lines({"line-1": 1})``. The same answer twice changes nothing.

        ``connection`` is the host's own, as in `mark_returned`.
        """

        def decide(draft: Draft, order: Order) -> None:
            stock.answer(draft, order, return_id, decision)

        request = Request.if_given(order_id, request_id, ("answer_restock", return_id, decision))
        return self._command(
            order_id, by, decide, request=request, connection=connection, expects=lambda _: [return_id], finishes=True
        )

    # --- the money track -----------------------------------------------------------------------------

    def refund_options(self, order_id: str) -> Sequence[RefundOption]:
        """What can go back on each payment, how much we suggest for the goods that came back, and where to do it.

        Reads only: nothing is reserved and no money moves.
        """
        return self._offers.options(order_id)

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
        refund, which waits and has its amount reserved; before the account for a bank transfer is given, its provider's
        books are read, and what they say of the payment is recorded. ``to`` is the account for a bank transfer, where
        the order does not name its payer's. A payment whose plugin is missing or broken gets an answer too.
        """
        return self._offers.link(order_id, payment, amount, refund_id, to)

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
        note = unseen(note)
        arguments = ("confirm_refund", payment, shown(amount), reference, refund_id, return_id, note)
        return self._by_person.confirm(
            order_id,
            payment,
            amount,
            by,
            Request.of(order_id, request_id, arguments),
            reference=reference,
            refund_id=refund_id,
            return_id=return_id,
            note=note,
        )

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
        to: BankAccount | None = None,
        consent: Consent | None = None,
        note: str | None = None,
    ) -> Outcome:
        """Refund ``amount`` of one payment, once: through its provider's API, or ``to`` a bank account.

        What is known to be impossible is refused at once; then the provider is asked what it refunds and whether it
        can. The outcome says where the refund is then: succeeded only if the provider said so. One that only a person
        can make, by bank transfer, or that is too late for its provider, waits for the merchant:
        ``refund_link(order_id, refund_id=...)`` says how to make it.

        With ``to`` it goes to that account, of whatever provider's payment it is: it counts on the payment, waits for
        the merchant, who makes the transfer, and is sent nowhere by retour. ``consent`` is the customer's, to another
        way than he paid; without one it raises `ConsentMissing`, but for a payment by bank transfer that goes back to
        its payer's account.

        ``instead_of`` is a refund that waits for the merchant: its payment is reconciled first, and it is cancelled in
        the same step; with ``to`` it can also be one that failed or came back. Raises `ProviderUnavailable` where a
        provider cannot be asked now, about that payment or this one, and `WrongState` where this one cannot be refunded
        by API; give ``to`` and ``consent`` then, or use ``open_refund_link``.
        """
        note = unseen(note)
        arguments: tuple[object, ...] = ("refund", payment, shown(amount), return_id, instead_of, note)
        if to is not None or consent is not None:
            arguments = (*arguments, to, consent)
        request = Request.of(order_id, request_id, arguments)
        if to is not None or consent is not None:
            transfer = WantedTransfer(
                payment=payment,
                amount=amount,
                to=to,
                consent=consent,
                return_id=return_id,
                instead_of=instead_of,
                note=note,
            )
            return self._by_transfer.refund(order_id, transfer, by, request)
        wanted = Wanted(payment=payment, amount=amount, return_id=return_id, instead_of=instead_of, note=note)
        return self._by_api.refund(order_id, wanted, by, request)

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
        note = unseen(note)
        arguments = ("open_refund_link", payment, shown(amount), return_id, note)
        request = Request.of(order_id, request_id, arguments)
        return self._by_person.open_link(order_id, payment, amount, by, request, return_id=return_id, note=note)

    def reverse_refund(
        self,
        order_id: str,
        refund_id: str,
        *,
        reference: str,
        by: Actor,
        request_id: str | None = None,
        note: str | None = None,
    ) -> Outcome:
        """A person says: the money of a refund that was confirmed by hand came back, as a bank sends back a transfer
        to an account that was closed; ``reference`` is what the bank calls that line. The amount can be refunded again.

        The same twice changes nothing. Raises `WrongState` for a refund that was not confirmed by hand: what a
        provider said of one only the provider can take back.
        """
        note = unseen(note)

        def decide(draft: Draft, order: Order) -> None:
            refunds.reverse(draft, order, refund_id, reference, note)

        request = Request.if_given(order_id, request_id, ("reverse_refund", refund_id, reference, note))
        return self._command(order_id, by, decide, request=request, finishes=True)

    def cancel_refund(
        self, order_id: str, refund_id: str, *, by: Actor, request_id: str | None = None, note: str | None = None
    ) -> Outcome:
        """Give up a refund that waits for a person or for its next try, or ask the provider to take back one that it
        has pending.

        The outcome says which: cancelled, or still pending with ``cancelling`` until the provider has answered. Raises
        `WrongState` where the money is gone, or on its way with a provider that takes nothing back.
        """
        note = unseen(note)
        request = Request.if_given(order_id, request_id, ("cancel_refund", refund_id, note))
        return self._by_api.cancel(order_id, refund_id, by, note, request)

    def set_refund_batch(
        self, order_id: str, refund_id: str, batch: str, *, by: Actor, request_id: str | None = None
    ) -> Outcome:
        """A refund by bank transfer is in the file for the bank called ``batch`` (`is_batch_name`); an empty name
        takes it out again. The same twice changes nothing; a refund that is in one batch is refused for another.

        The provider's books are read before it goes in. Raises `WrongState` where it must not be transferred as things
        are now, and `ProviderUnavailable` where nobody can be asked.
        """
        request = Request.if_given(order_id, request_id, ("set_refund_batch", refund_id, batch))
        return self._by_transfer.hand_over(order_id, refund_id, batch, by, request)

    def retry_refund(self, order_id: str, refund_id: str, *, by: Actor, request_id: str | None = None) -> Outcome:
        """Let a refund that waits for a person go on: with its own key, and after asking the provider where a try of
        it may have happened."""
        request = Request.if_given(order_id, request_id, ("retry_refund", refund_id))
        return self._by_api.retry(order_id, refund_id, by, request)

    def settle_refund(
        self,
        order_id: str,
        refund_id: str,
        *,
        happened: bool,
        evidence: str,
        by: Actor,
        request_id: str | None = None,
        reference: str = "",
    ) -> Outcome:
        """A person says of a refund that is unknown, or that its provider has pending, that it ``happened``, with the
        provider's ``reference`` of it where that is not known, or that it did not; ``evidence`` is how he knows, kept
        as a note. What did not happen is failed by his word, and the money can be refunded anew, under another key.

        The provider is asked first, and where it says what became of the refund, that is recorded instead. His word
        counts where the provider's is not to be had: nothing heard for 24 hours, a plugin that is off, or a provider
        that recognises the request no more and cannot look it up in full. Until then it raises `WrongState`, which says
        from when on. If the provider reports the refund after all, both are kept, and what passes is paid twice.
        The same twice changes nothing.
        """
        request = Request.if_given(order_id, request_id, ("settle_refund", refund_id, happened, evidence, reference))
        return self._by_person.settle(
            order_id, refund_id, by, unseen(evidence), reference, happened=happened, request=request
        )

    def match_refund(
        self, order_id: str, refund_id: str, external_id: str, *, by: Actor, request_id: str | None = None
    ) -> Outcome:
        """Say that a refund found at the provider is one of ours, so that it counts once."""
        request = Request.if_given(order_id, request_id, ("match_refund", refund_id, external_id))
        return self._by_person.match(order_id, refund_id, external_id, by, request)

    def explain_payment(
        self,
        order_id: str,
        payment: str,
        *,
        became: str | None,
        by: Actor,
        request_id: str | None = None,
        note: str | None = None,
    ) -> Outcome:
        """A person says what became of a ``payment`` that is not on the order any more, and on which money went back:
        it is the payment ``became`` of the order now, or with None none of these and no part of the order any more.
        What went back on it keeps counting in what is suggested, since the customer has it.

        Until then nothing new is suggested or decided on the order. A payment that the provider itself knows by both
        names needs no explanation. The last word counts; the same twice changes nothing. Raises `UnknownPayment`, and
        `WrongState` for a payment that the order still has.
        """
        note = unseen(note)

        def decide(draft: Draft, order: Order) -> None:
            payment_identity.explain(draft, order, payment, became, note)

        request = Request.if_given(order_id, request_id, ("explain_payment", payment, became, note))
        return self._command(order_id, by, decide, request=request, finishes=True)

    def reconcile(self, order_id: str) -> Outcome:
        """Read all refunds of the order's payments at their providers, and record what we did not know.

        A refund that the merchant made in a dashboard closes the one that waited for it; one that nobody asked for
        appears as external and lowers what is left. Payments that could not be asked about are in the outcome's
        ``not_asked``, each with the reason; what the providers of the others said is recorded all the same.
        """
        return self._reconciling.everything(order_id)

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

        It is verified with the settings of ``account``, kept, and then acted on; the same one again changes nothing. It
        counts for payments of this shop, account and mode, so say which the address was made for. Raises
        `InvalidWebhook` for one that is not the provider's (answer 400). Answer 503 to everything else, so that it is
        sent again: `UnreadableWebhook` for one that is the provider's and cannot be read, until staff has acknowledged
        it on the list of `ReturnDesk.attention`, `ProviderUnavailable` when the provider could not be asked whether it
        is genuine or the plugin broke over it (the log says where), `Busy` when they name more unknown payments than
        can be asked about, and the store's errors when it could not be kept.
        """
        return self._webhooks.receive(provider, header_names_and_values(headers), body, account, mode)

    # --- looking -------------------------------------------------------------------------------------

    def timeline(self, order_id: str, audience: Audience | str = Audience.STAFF) -> Sequence[TimelineEntry]:
        """Who did what and when, the oldest first, for the "staff" or for the "customer"; also of an order that the
        shop has no more. Raises `UnknownOrder` for one that nobody ever saw."""
        try:
            reader = Audience(audience)
        except ValueError:
            raise InvalidArgument(
                text("{audience} reads no timeline; staff and customer do.", audience=shown(audience))
            ) from None
        case = self._commands.known(order_id)
        staff = reader is Audience.STAFF
        told = any(recorded.event.subject.instructions_id for recorded in case.events)
        kept = self._services.store.notes(self.shop_id, order_id) if staff or told else {}
        pages = self._links.pages(case.order, case.dossier) if staff else {}
        parcels = self._labels.tracking_pages(case.dossier.returns, case.dossier)
        zone = self._services.zone
        told_of = timeline.entries(case.order, case.events, reader, kept=kept, pages=pages, parcels=parcels, zone=zone)
        names = self._names({one.by: None for one in told_of})
        return tuple([changed(one, name=names[one.by]) if names.get(one.by) else one for one in told_of])

    def _names(self, actors: Iterable[Actor]) -> Mapping[Actor, str]:
        """How people are called: those whose id the reader is told, and no others."""
        people = [one for one in actors if one.id and one.kind in (ActorKind.CUSTOMER, ActorKind.STAFF)]
        return self._services.shops(self.shop_id).names_of(people)

    def dossier(self, order_id: str) -> Dossier:
        """All that is known of an order's returns and refunds, with the order as it was last seen: your `Shop` is asked
        only for one that nobody has seen. Empty when nothing happened yet. Raises `UnknownOrder`."""
        return self._commands.dossier(order_id)

    def can_do(self, order_id: str, *, by: Actor) -> CanDo:
        """What ``by`` can do now about an order, its returns, refunds and labels, for the buttons of a page: by the
        rules that decide it when it is done, on the order as the shop has it now. Staff can do all there is, anybody
        else what customers can. No provider and no policy is asked, and nothing is reserved.

        Raises `UnknownOrder`, and `NotAllowed` for a customer on the order of another.
        """
        return self._possible.with_the_order(order_id, by)

    def find_order(
        self, provider: str, reference: str, *, account: str = "default", mode: Mode = Mode.LIVE
    ) -> str | None:
        """The id of the order that was paid by ``reference`` at ``provider``, with this account and mode: one that we
        saw, else one that the shop finds; None when neither knows it."""
        return self._webhooks.find_order(provider, reference, account, mode)

    def shipping_options(self, order_id: str) -> Sequence[ShippingOption]:
        """The ways in which the customer can send goods of this order back; sending it himself is always one. Once it
        gave the page of a return portal, ``work()`` looks for what the customer makes there, for 90 days."""
        return self._links.ways_to_send_back(self._services.cases.order(self.shop_id, order_id))

    # --- what a person must look at ------------------------------------------------------------------

    def attention(
        self, kind: AttentionKind | str | None = None, *, limit: int = 50, after: str | None = None
    ) -> AttentionPage:
        """A page of what a person must look at in the shop, of one kind or of all: since when, why, and which methods
        decide it; first the providers that are off, then the oldest. ``after`` is the ``next`` of the page before;
        ``limit`` is 1 to 500."""
        check_page(limit)
        chosen = None if kind is None else attention_kind(kind)
        return self._attention.page(chosen, limit=limit, after=after)

    def attention_counts(self) -> Mapping[AttentionKind, int]:
        """How much a person must look at, by kind; a kind of which there is nothing is left out."""
        return self._attention.counts()

    def acknowledge(
        self, order_id: str, kind: AttentionKind | str, about: str, *, by: Actor, note: str | None = None
    ) -> Outcome:
        """A person has looked at an item of `ReturnDesk.attention`, named as it is there, and it is listed no more:
        until something new happens to it. It is on the order's timeline; of a webhook that could not be read, which is
        of no order (``order_id`` is empty then), who and when are kept beside it, and no ``note``.

        The same twice changes nothing. Raises `WrongState` for what still has to be decided, naming the methods that
        decide it, and for what is not there.
        """
        note = unseen(note)
        return self._attention.acknowledge(order_id, attention_kind(kind), about, by, note)

    # --- work ----------------------------------------------------------------------------------------

    def run(self, outcome: Outcome) -> Outcome:
        """Run the effects of a command that was made on the host's own connection, after the host has committed.

        Raises `NotCommitted` before that, and after a rollback.
        """
        return self._commands.after_the_hosts_commit(outcome)

    def work(self, *, limit: int = 1000, concurrency: int = 1, stop: Callable[[], bool] | None = None) -> WorkReport:
        """Do what is due, for all shops of the store: personal data whose time has come, effects that were left or
        failed, returns whose last day passed. At most ``limit`` of each. What fails is put off, and the rest goes on.

        The effects of up to ``concurrency`` orders (1 to 64) are done side by side, each in a thread that ends with
        this call: your `Shop` and your hooks are called from several threads at once then. Of one order, and of what
        is slow, never more at once than it can bear. A database in memory takes 1.

        ``stop`` is asked before anything more is begun: where it says yes, what has begun is finished, and what has
        not is for the next call.

        Call it from cron, a scheduler or a task queue, as often as a retry may be late; any number may run at once.
        Raises `InvalidArgument`, and the store's errors where it cannot be looked for work.
        """
        return Work(self._services).do(limit, concurrency, stop)

    @property
    def most_side_by_side(self) -> int:
        """The largest ``concurrency`` that `work` takes: 64, and 1 where the store is a database in memory."""
        return Work(self._services).most_side_by_side

    def retry_set_aside(self, order_id: str, *, by: Actor, note: str | None = None) -> int:
        """Let the next `work` try again what it set aside of an order: what ended three processes one after the other,
        when you have seen why (the report and the log name it). Gives how many; who did it is on the timeline. A refund
        goes on by `retry_refund`."""
        note = unseen(note)
        return self._attention.retry_set_aside(order_id, by, note)

    # --- what cannot be read -------------------------------------------------------------------------

    def unreadable_orders(self, *, limit: int = 50, after: str | None = None) -> UnreadablePage:
        """A page of the shop's orders that somebody met and that cannot be read, by their id, each as it is read now;
        ``retour doctor --all`` meets every order. What reads again meanwhile is forgotten. ``after`` is the ``next`` of
        the page before; ``limit`` is 1 to 500."""
        check_page(limit)
        return self._doctor.page(self.shop_id, limit=limit, after=after)

    def set_unreadable_aside(self, order_id: str, *, by: Actor, because: str) -> int:
        """A person has seen that an order cannot be read, or an effect of it: what cannot be read, with all effects of
        an order that cannot, is not tried any more and `work` is silent about it, until `take_unreadable_back`.

        Nothing that was stored is changed, and its commands are refused as before, in a sentence that says who set it
        aside and ``because`` of what. Gives how many effects wait. Raises `WrongState` where everything reads.
        """
        return self._doctor.set_aside(self.shop_id, order_id, by, because)

    def take_unreadable_back(self, order_id: str, *, by: Actor) -> int:
        """Let the effects of an order that was set aside be tried again, also where it reads meanwhile; gives how many.
        Raises `WrongState` where nobody has set it aside."""
        return self._doctor.take_back(self.shop_id, order_id, by)

    def _today(self) -> datetime.date:
        """The calendar day in the shop's zone."""
        return self._services.clock().astimezone(self._services.zone).date()

    def _command(
        self,
        order_id: str,
        by: Actor,
        decide: Decide,
        *,
        request: Request | None = None,
        connection: Connection | Session | None = None,
        expects: Callable[[Dossier], Sequence[str]] = lambda _: (),
        finishes: bool = False,
    ) -> Outcome:
        return self._commands.run(
            Command(
                order_id=order_id,
                by=by,
                decide=decide,
                request=request,
                connection=connection,
                expects=expects,
                finishes=finishes,
            )
        )

    def _enter(self, services: Services, shop_id: str) -> None:
        self.shop_id = shop_id
        self._services = services
        self._commands = Commands(services, shop_id)

    def _view(self, shop_id: str) -> ReturnDesk:
        view = object.__new__(ReturnDesk)
        view._enter(self._services, shop_id)
        return view

    # --- the rooms of the desk, each entered when it is first needed: a view is made for one thing that a person does

    @cached_property
    def _links(self) -> Links:
        return Links(self._services, self.shop_id)

    @cached_property
    def _figures(self) -> Figures:
        return Figures(self._services, self.shop_id)

    @cached_property
    def _possible(self) -> Possible:
        return Possible(self._services, self._commands)

    @cached_property
    def _lists(self) -> Lists:
        return Lists(self._services, self.shop_id)

    @cached_property
    def _reconciling(self) -> Reconciling:
        return Reconciling(self._services, self._commands)

    @cached_property
    def _questions(self) -> RefundQuestions:
        return RefundQuestions(self._services, self._commands, self._reconciling)

    @cached_property
    def _by_person(self) -> RefundByPerson:
        return RefundByPerson(self._commands, self._questions, self._reconciling)

    @cached_property
    def _counting(self) -> CountingGoods:
        return CountingGoods(self._services, self._commands)

    @cached_property
    def _by_api(self) -> RefundByApi:
        return RefundByApi(self._commands, self._questions, self._reconciling, self._counting)

    @cached_property
    def _by_transfer(self) -> RefundByTransfer:
        return RefundByTransfer(self._commands, self._questions, self._reconciling)

    @cached_property
    def _offers(self) -> RefundOffers:
        return RefundOffers(self._services, self._commands, self._links, self._questions, self._by_transfer)

    @cached_property
    def _webhooks(self) -> Webhooks:
        return Webhooks(self._services, self._commands)

    @cached_property
    def _doctor(self) -> Doctor:
        return Doctor(self._services.store)

    @cached_property
    def _attention(self) -> AttentionDesk:
        return AttentionDesk(self._services, self._commands)

    @cached_property
    def _labels(self) -> Labels:
        return Labels(self._services, self._commands)
