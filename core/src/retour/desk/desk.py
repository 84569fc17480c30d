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

from sqlalchemy import Engine

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
from retour.desk.completing import Completing
from retour.desk.goods_desk import GoodsDesk
from retour.desk.label_desk import LabelDesk
from retour.desk.list_desk import ListDesk
from retour.desk.list_filters import check_page
from retour.desk.offered_reasons import ReturnReasons, return_reasons_of
from retour.desk.refund_desk import RefundDesk
from retour.desk.services import Services, ready
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
from retour.model.dossier import Dossier
from retour.model.errors import InvalidArgument
from retour.model.fields import shown
from retour.model.labels import ParcelState, WhatFollows
from retour.model.making import changed
from retour.model.order import Mode
from retour.model.outcome import Outcome, SettingsCheck, UnreadablePage, WebhookReceipt, WorkReport
from retour.model.parcels import Address
from retour.model.return_reasons import DEFAULT_RETURN_REASONS, ReturnReason
from retour.model.shipping import ShippingOption
from retour.model.text import text
from retour.model.timeline import Audience, TimelineEntry
from retour.model.unseen import unseen
from retour.plugins.accounts import Accounts, Settings
from retour.plugins.hooks import Hooks
from retour.plugins.registry import Plugin, load
from retour.shop import Shop, is_shop, shops_of
from retour.steps.case import Cases
from retour.steps.commit import Commits
from retour.store.clock import seconds_gone_by
from retour.store.store import Store

if TYPE_CHECKING:
    from retour.desk.attention import AttentionDesk
    from retour.desk.doctor import Doctor
    from retour.desk.figures import Figures
    from retour.desk.labels import Labels
    from retour.desk.lists import Lists
    from retour.desk.possible import Possible
    from retour.desk.webhooks import Webhooks
    from retour.desk.work import Work

Steps: TypeAlias = Mapping[ParcelState, WhatFollows]
"""What follows from the steps of a parcel."""


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _always(settings: Settings) -> Callable[[str], Settings]:
    """The same settings for every shop."""
    return lambda _: settings


@arguments_checked
class ReturnDesk(GoodsDesk, RefundDesk, LabelDesk, ListDesk):
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

    # --- what providers tell -------------------------------------------------------------------------

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
        from retour.rules import timeline  # with the words of all events

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
        return self._attention.page(kind, limit=limit, after=after)

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
        return self._attention.acknowledge(order_id, kind, about, by, note)

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
        return self._work.do(limit, concurrency, stop)

    @property
    def most_side_by_side(self) -> int:
        """The largest ``concurrency`` that `work` takes: 64, and 1 where the store is a database in memory."""
        return self._work.most_side_by_side

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
        Of one that was taken back before nothing is changed, and it gives 0. Raises `WrongState` where nobody ever set
        it aside."""
        return self._doctor.take_back(self.shop_id, order_id, by)

    def _view(self, shop_id: str) -> ReturnDesk:
        view = object.__new__(ReturnDesk)
        view._enter(self._services, shop_id)
        return view

    # --- the rooms of the desk, each imported and entered when it is first needed: a view is made for one thing that a
    # person does, and a process that only takes returns in opens few of them

    @cached_property
    def _figures(self) -> Figures:
        from retour.desk import figures

        return figures.Figures(self._services, self.shop_id)

    @cached_property
    def _possible(self) -> Possible:
        from retour.desk import possible

        return possible.Possible(self._services, self._commands)

    @cached_property
    def _lists(self) -> Lists:
        from retour.desk import lists

        return lists.Lists(self._services, self.shop_id)

    @cached_property
    def _webhooks(self) -> Webhooks:
        from retour.desk import webhooks

        return webhooks.Webhooks(self._services, self._commands)

    @cached_property
    def _doctor(self) -> Doctor:
        from retour.desk import doctor

        return doctor.Doctor(self._services.store)

    @cached_property
    def _attention(self) -> AttentionDesk:
        from retour.desk import attention

        return attention.AttentionDesk(self._services, self._commands)

    @cached_property
    def _work(self) -> Work:
        from retour.desk import work

        return work.Work(self._services)

    @cached_property
    def _labels(self) -> Labels:
        from retour.desk import labels

        return labels.Labels(self._services, self._commands)
