"""Two shops, two accounts and two modes in one store, with equal ids of orders and payments: what one does changes no
row of another, byte for byte.

A rule for each public method of the desk, found by reflection: one without a rule fails. `work` serves everybody, and
changes the orders alone that had something due.
"""

from __future__ import annotations

import datetime
import inspect
import logging
import os
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import product
from types import ModuleType
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from shipping.small_carrier import OPTION, Carrier, SmallCarrier, lost, signed_webhook
from shipping.world import BOX, HOME, SHOP
from sqlalchemy import Connection, Engine, text

from retour import (
    Actor,
    BankAccount,
    Consent,
    ConsentWay,
    Counted,
    EvidenceFile,
    InvalidWebhook,
    MemoryShop,
    Mode,
    Money,
    NotCommitted,
    Objection,
    Outcome,
    ParcelState,
    ProviderUnavailable,
    RequestedLine,
    RestockDecision,
    RetourError,
    ReturnDesk,
    Returned,
    connect,
    hookimpl,
)
from retour.effects.pruning import USUALLY_KEPT
from retour.providers import (
    ErrorCode,
    ProviderError,
    RawWebhook,
    RefundStatus,
    ShipmentEvents,
    Support,
    WebhookRejected,
    WebhookTrust,
)
from retour.store import tables
from retour.testing import a_line, a_payment, an_order

ANNA, BUYER = Actor.staff("anna"), Actor.customer("c-17")
EUR1 = Money.of("1", "EUR")
JANSEN = BankAccount(name="J. Jansen", iban="NL91ABNA0417164300")
NOON = datetime.datetime(2026, 11, 23, 12, 0, tzinfo=datetime.UTC)
EXAMPLES = int(os.environ.get("RETOUR_EXAMPLES", "6"))
"""How many random stories; ``make campaign`` tries many more."""

SHOPS, ACCOUNTS = ("north", "south"), ("default", "second")

EXEMPT = {
    "close": "it ends the connections, and writes nothing",
    "for_shop": "it gives the desk of the other shop, by which every rule acts",
    "most_side_by_side": "it tells what the database can take, and reads nothing",
    "plugins": "it tells what was loaded, and asks no database",
    "return_reasons": "it tells what the host gave, and asks no database",
}
"""Public names that need no rule, each with the reason."""

METHODS = {name for name, _ in inspect.getmembers(ReturnDesk) if not name.startswith("_")} - EXEMPT.keys()

READS = {
    "evidence",
    "find_return",
    "refund_options",
    "refund_link",
    "timeline",
    "dossier",
    "can_do",
    "list_returns",
    "list_refunds",
    "list_labels",
    "figures",
    "count_returns",
    "total_refunds",
    "label_options",
    "tracking_page",
    "label_document",
    "attention",
    "attention_counts",
    "find_order",
    "shipping_options",
    "check_settings",
    "unreadable_orders",
}
"""What changes nothing, of its own neither."""

SEARCHED: Mapping[str, Any] = {"search": "100"}
"""With what all order ids of both shops begin."""

FOR_A_REASON: Mapping[str, Any] = {"reason": "too_small"}


def whose(order_id: str) -> dict[str, Any]:
    """The account and the mode of the tenants that have this order."""
    account, mode = divmod(int(order_id) - 1001, 2)
    return {"account": ACCOUNTS[account], "mode": list(Mode)[mode]}


DUE, LATER, SET_ASIDE = 0, 250_000_000_000_000_000, 300_000_000_000_000_000
"""Moments of an effect, in microseconds: now, in the year 9892, and as what was set aside."""

Key = tuple[str, str]
"""The shop and the order that rows are of, or the account where they are of no order; empty where they are of none."""


@attrs.frozen(kw_only=True)
class Tenant:
    """A shop's account in one mode, with one order, which it has in common with nobody but by its ids."""

    shop: str
    account: str
    mode: Mode

    @property
    def order_id(self) -> str:
        """Equal in both shops."""
        return f"{1001 + 2 * ACCOUNTS.index(self.account) + list(Mode).index(self.mode)}"

    @property
    def accounts(self) -> set[Key]:
        """Its accounts at the providers, by which what is of no order is kept."""
        paid = {f"{provider}/{self.account}/{self.mode.value}" for provider in ("ledger", "hinting")}
        return {(self.shop, one) for one in (*paid, f"small_carrier/{self.account}")}

    @property
    def secret(self) -> str:
        """What signs its webhooks: the account's, whatever the mode."""
        return f"{self.shop} {self.account}"


TENANTS = [Tenant(shop=shop, account=account, mode=mode) for shop, account, mode in product(SHOPS, ACCOUNTS, Mode)]
tenants = st.sampled_from(TENANTS)


class Careful:
    """Policies that let no return pass by themselves, and ask about the stock of each that has a pot."""

    name = "careful"

    @hookimpl
    def return_policy(self) -> Objection:
        return Objection.review("look")

    @hookimpl
    def restock_policy(self, returned: Returned) -> RestockDecision | None:
        return None if any(one.line_id == "pot" for one in returned.lines) else RestockDecision.all()


def own_books(ledger_provider: ModuleType, **more: Any) -> type:
    """A provider each instance of which has books of its own: one for each shop, account and mode."""
    able = {"cancel_refund": Support.YES, "payment_names": Support.YES, **more}

    class OwnBooks(ledger_provider.make_provider(None, **able)):  # type: ignore[misc]
        def __new__(cls, settings: Any, http: object) -> Any:
            paid = {"p_1": Money.of("900", "EUR"), "h_1": Money.of("9", "EUR")}
            ledger = ledger_provider.Ledger(clock=lambda: NOON, paid=paid)
            made = ledger_provider.make_provider(ledger, **able)(settings, http)
            made.ledger = ledger
            return made

    return OwnBooks


class Both:
    """A plugin with a provider whose webhooks are signed, and whose refunds can come back, and one whose are hints."""

    name = "both"

    def __init__(self, ledger_provider: ModuleType) -> None:
        signed = own_books(ledger_provider, late_failure_within=datetime.timedelta(days=30))
        hints = own_books(ledger_provider, webhooks=WebhookTrust.FETCH)
        self.providers = [signed, type("Hinting", (hints,), {"name": "hinting", "display_name": "Hinting"})]

    @hookimpl
    def payment_providers(self) -> list[type]:
        return self.providers


class OwnCarrier(SmallCarrier):
    """A carrier each account of which has books and a key of its own, and calls its first label R1."""

    capabilities = attrs.evolve(SmallCarrier.capabilities, refuses_repeats=False)

    def __init__(self, settings: Any, http: Any) -> None:
        super().__init__(settings, http)
        self.secret = settings.secret
        self.carrier = Carrier()  # type: ignore[misc]  # of the instance, and not of the class

    def parse_webhook(self, webhook: RawWebhook) -> ShipmentEvents:
        if webhook.headers.get("signature") != self.secret:
            raise WebhookRejected("wrong signature")
        return super().parse_webhook(webhook)


class CarrierPlugin:
    """A plugin with that carrier, whose settings are those of the ledger."""

    name = "carrier"

    def __init__(self, settings_type: type) -> None:
        self.provider = type("OwnCarrier", (OwnCarrier,), {"settings_type": settings_type})

    @hookimpl
    def shipping_providers(self) -> list[type]:
        return [self.provider]


def orders_of(shop: str) -> MemoryShop:
    """A shop with an order for each account and mode, each paid by the payment ``p_1`` there."""
    orders = []
    for one in TENANTS:
        if one.shop == shop:
            payment = attrs.evolve(
                a_payment("900.00", provider="ledger", reference="p_1", mode=one.mode), account=one.account
            )
            hinted = attrs.evolve(payment, provider="hinting", reference="h_1", captured=Money.of("9", "EUR"))
            lines = a_line("cup", 300, "500.00"), a_line("pot", 300, "409.00")
            orders.append(an_order(*lines, order_id=one.order_id, payments=[payment, hinted], customer=BUYER.id))
    return MemoryShop(orders)


OF_TENANTS = [table for table in tables.metadata.sorted_tables if table is not tables.migration]
"""Every table but that of the migrations, which are of the database."""

MET: set[str] = set()
"""The tables that ever had a row: of the others nothing would be shown."""


def rows(engine: Engine, but_effects: Collection[str] = ()) -> dict[Key, list[tuple[object, ...]]]:
    """Every row of every table of ours, by whose it is, without these effects."""
    found: defaultdict[Key, list[tuple[object, ...]]] = defaultdict(list)
    with engine.connect() as connection:
        for table in OF_TENANTS:
            for row in connection.execute(table.select().order_by(*table.primary_key.columns)).mappings():
                MET.add(table.name)
                if table is not tables.effect or row["id"] not in but_effects:
                    found[row["shop"], _whose(row)].append((table.name, *row.values()))
    return found


def _whose(row: Mapping[str, Any]) -> str:
    """The order that a row is of, or the account: ``ledger/second/live``."""
    if "order_id" in row:
        return str(row["order_id"])
    parts = [row[name] for name in ("provider", "account", "mode") if name in row]
    return "/".join(parts)


def differ(before: Mapping[Key, object], after: Mapping[Key, object]) -> set[Key]:
    """Whose rows are not what they were."""
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


class Neighbours(RuleBasedStateMachine):
    """Whatever one tenant does, with ids of its own or of another, all others' rows stay as they are."""

    url: str
    world: Any
    ledger_provider: ModuleType

    @property
    def now(self) -> datetime.datetime:
        """What time it is, by the database's clock too."""
        now: datetime.datetime = self.world.now
        return now

    @now.setter
    def now(self, now: datetime.datetime) -> None:
        self.world.now = now

    @initialize()
    def open(self) -> None:
        self.shops = shops = {name: orders_of(name) for name in SHOPS}
        self.now = NOON
        self.engine = connect(self.url)
        self.desk = ReturnDesk(
            shop=lambda name: shops[name],
            store=self.engine,
            plugins=[
                Both(self.ledger_provider),
                "manual_transfer",
                Careful(),
                CarrierPlugin(self.ledger_provider.Settings),
            ],
            return_address=SHOP,
            settings=lambda shop: {
                f"{name}{key}": {"secret": f"{shop} {account}"}
                for name in ("ledger", "hinting", "small_carrier")
                for account, key in (("default", ""), ("second", ":second"))
            },
            shop_id="north",
            migrate=True,
            clock=lambda: self.now,
        )
        with self.engine.begin() as connection:
            for table in OF_TENANTS:
                connection.execute(table.delete())
        self.forms: Counter[Tenant] = Counter()
        self.before = rows(self.engine)

    def teardown(self) -> None:
        if hasattr(self, "engine"):
            self.engine.dispose()

    # --- acting, and looking who is changed by it ------------------------------------------------------

    def act(self, who: Tenant, method: str, *arguments: Any, **more: Any) -> Any:
        """Call a method of ``who``'s desk: it changes its own order's rows and no other, a reader or an error none."""
        self.before = rows(self.engine)
        try:
            given = getattr(self.desk_of(who), method)(*arguments, **more)
        except RetourError:
            self.nothing_changed()
            raise
        writes = method not in READS and getattr(given, "kept", True)
        own = {(who.shop, who.order_id)} if writes else set()
        changed = differ(self.before, rows(self.engine))
        assert changed - (who.accounts if writes else set()) == own, (method, arguments)
        return given

    def nothing_changed(self) -> None:
        assert differ(self.before, rows(self.engine)) == set()

    def desk_of(self, who: Tenant) -> ReturnDesk:
        return self.desk.for_shop(who.shop)

    def ledger_of(self, who: Tenant) -> Any:
        """Its books, which no other has."""
        caller = self.desk._services.accounts.payment(who.shop, "ledger", who.account, who.mode)
        return caller._provider.ledger  # type: ignore[union-attr]

    def carrier_of(self, who: Tenant) -> Any:
        """The books of its account with the carrier, which its other mode has too: parcels have none."""
        caller = self.desk._services.accounts.shipping(who.shop, "small_carrier", who.account)
        return caller._provider.carrier  # type: ignore[union-attr]

    def form(self, who: Tenant) -> str:
        """A new form's id: the first of each is ``form-1``."""
        self.forms[who] += 1
        return f"form-{self.forms[who]}"

    def refund_ids(self, who: Tenant) -> list[str]:
        return list(self.desk_of(who).dossier(who.order_id).refunds)

    def label_ids(self, who: Tenant) -> list[str]:
        return list(self.desk_of(who).dossier(who.order_id).labels)

    def return_ids(self, who: Tenant) -> list[str]:
        return list(self.desk_of(who).dossier(who.order_id).returns)

    def act_on_anothers(self, who: Tenant, ids: Callable[[Tenant], Sequence[str]], act: Callable[[str], Any]) -> None:
        """The same with an id of each other tenant that has one: an error, and nothing is changed."""
        for other in TENANTS:
            for one in ids(other)[-1:] if other != who else ():
                with pytest.raises(RetourError):
                    act(one)
                self.nothing_changed()

    # --- goods and stock -------------------------------------------------------------------------------

    def requested(self, who: Tenant) -> str:
        request = self.desk_of(who).request_return
        lines = [RequestedLine(line_id="cup", quantity=1, reason="too_small")]
        return request(who.order_id, lines, by=BUYER, request_id=self.form(who), note="It is too small.").return_id

    def approved(self, who: Tenant) -> str:
        return_id = self.requested(who)
        self.desk_of(who).approve_return(who.order_id, return_id, by=ANNA, send_by=self.now.date())
        return return_id

    def rejected(self, who: Tenant) -> str:
        return_id = self.requested(who)
        self.desk_of(who).reject_return(who.order_id, return_id, by=ANNA, because="no")
        return return_id

    def received(self, who: Tenant) -> Outcome:
        return self.desk_of(who).mark_returned(who.order_id, {"cup": 1}, by=ANNA, request_id=self.form(who))

    def asked(self, who: Tenant) -> str:
        """A return of two products, of which it is asked what goes back in stock."""
        lines = {"cup": 1, "pot": 1}
        return self.desk_of(who).mark_returned(who.order_id, lines, by=ANNA, request_id=self.form(who)).return_id

    def on_return(
        self, who: Tenant, others: bool, method: str, given: Callable[[Tenant], str], *arguments: Any, **more: Any
    ) -> None:
        """A method on a return that is as ``given``, and on those of others."""
        return_id = given(who)
        if others:
            self.before = rows(self.engine)
            act = getattr(self.desk_of(who), method)
            self.act_on_anothers(who, self.return_ids, lambda one: act(who.order_id, one, *arguments, **more))
        self.act(who, method, who.order_id, return_id, *arguments, **more)

    @rule(who=tenants)
    def request_return(self, who: Tenant) -> None:
        lines = {"cup": 1}
        self.act(who, "request_return", who.order_id, lines, by=BUYER, request_id=self.form(who), note="Too small.")

    @rule(who=tenants, others=st.booleans())
    def approve_return(self, who: Tenant, others: bool) -> None:
        self.on_return(who, others, "approve_return", self.requested, by=ANNA, send_by=self.now.date())

    @rule(who=tenants, others=st.booleans())
    def reject_return(self, who: Tenant, others: bool) -> None:
        self.on_return(who, others, "reject_return", self.requested, by=ANNA, because="no")

    @rule(who=tenants, others=st.booleans())
    def reopen_return(self, who: Tenant, others: bool) -> None:
        self.on_return(who, others, "reopen_return", self.rejected, by=ANNA)

    @rule(who=tenants, others=st.booleans())
    def add_evidence(self, who: Tenant, others: bool) -> None:
        form, files = self.form(who), [EvidenceFile(reference="file-1", name="left.jpg")]
        self.on_return(who, others, "add_evidence", self.requested, files, by=BUYER, request_id=form)

    @rule(who=tenants, others=st.booleans())
    def evidence(self, who: Tenant, others: bool) -> None:
        self.on_return(who, others, "evidence", self.requested)

    @rule(who=tenants, other=tenants)
    def find_return(self, who: Tenant, other: Tenant) -> None:
        """The number of a return finds it, in its own shop alone."""
        return_id = self.requested(who)
        number = self.desk_of(who).dossier(who.order_id).return_(return_id).number
        found = self.act(who, "find_return", number)
        assert (found.order_id, found.return_id) == (who.order_id, return_id)
        if other.shop != who.shop:
            assert self.act(other, "find_return", number) is None

    @rule(who=tenants, others=st.booleans())
    def mark_sent(self, who: Tenant, others: bool) -> None:
        self.on_return(who, others, "mark_sent", self.approved, by=BUYER)

    @rule(who=tenants, others=st.booleans())
    def cancel_return(self, who: Tenant, others: bool) -> None:
        self.on_return(who, others, "cancel_return", self.approved, by=BUYER)

    @rule(who=tenants, others=st.booleans())
    def receive(self, who: Tenant, others: bool) -> None:
        self.on_return(who, others, "receive", self.approved, {"cup": 1}, by=ANNA, request_id=self.form(who))

    @rule(who=tenants, others=st.booleans())
    def close_return(self, who: Tenant, others: bool) -> None:
        self.on_return(who, others, "close_return", lambda one: self.received(one).return_id, by=ANNA)

    @rule(who=tenants, others=st.booleans())
    def answer_restock(self, who: Tenant, others: bool) -> None:
        self.on_return(who, others, "answer_restock", self.asked, RestockDecision.all(), by=ANNA)

    @rule(who=tenants)
    def mark_returned(self, who: Tenant) -> None:
        self.act(who, "mark_returned", who.order_id, {"cup": 1}, by=ANNA, request_id=self.form(who))

    @rule(who=tenants)
    def return_and_refund(self, who: Tenant) -> None:
        given = {"lines": {"cup": 1}, "by": ANNA, "request_id": self.form(who)}
        self.act(who, "return_and_refund", who.order_id, "p_1", EUR1, **given)

    @rule(who=tenants)
    def correct_receipt(self, who: Tenant) -> None:
        receipt_id = self.received(who).receipt_id
        self.act(who, "correct_receipt", who.order_id, receipt_id, [Counted(line_id="cup", damaged=1)], by=ANNA)

    @rule(who=tenants)
    def inspect_receipt(self, who: Tenant) -> None:
        counted = [Counted(line_id="cup", to_inspect=1)]
        mark = self.desk_of(who).mark_returned
        receipt_id = mark(who.order_id, counted, by=ANNA, request_id=self.form(who)).receipt_id
        given = {"by": ANNA, "request_id": self.form(who)}
        self.act(who, "inspect_receipt", who.order_id, receipt_id, {"cup": 1}, **given)

    @rule(who=tenants, other=tenants)
    def run(self, who: Tenant, other: Tenant) -> None:
        """An outcome of the host's own transaction; and that of another shop, which this one's desk does not run."""
        with self.engine.begin() as connection:
            outcome = self.on_connection(who, connection)
        if other.shop != who.shop:
            with pytest.raises(NotCommitted):
                self.desk_of(other).run(outcome)
        self.act(who, "run", outcome)

    def on_connection(self, who: Tenant, connection: Connection) -> Outcome:
        mark = self.desk_of(who).mark_returned
        return mark(who.order_id, {"cup": 1}, by=ANNA, request_id=self.form(who), connection=connection)

    @rule(who=tenants)
    def retry_set_aside(self, who: Tenant) -> None:
        """Each of them has something that was set aside, and one goes on."""
        for one in TENANTS:
            with self.engine.begin() as connection:
                self.on_connection(one, connection)
        self.put_off(SET_ASIDE)
        assert self.act(who, "retry_set_aside", who.order_id, by=ANNA) > 0
        self.put_off(LATER)

    # --- what cannot be read ---------------------------------------------------------------------------

    def spoil(self) -> None:
        """Each of them has an effect that nobody can read."""
        for one in TENANTS:
            with self.engine.begin() as connection:
                self.on_connection(one, connection)
        self.sql("UPDATE retour_effect SET body = '!' || body WHERE state = 'waiting'")

    def mend(self) -> None:
        self.sql("UPDATE retour_effect SET body = substr(body, 2) WHERE body LIKE '!%'")
        self.sql("DELETE FROM retour_unreadable")
        self.sql("DELETE FROM retour_aside")
        self.put_off(LATER)

    def sql(self, statement: str) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(statement))

    @rule(who=tenants)
    def set_unreadable_aside(self, who: Tenant) -> None:
        self.spoil()
        assert self.act(who, "set_unreadable_aside", who.order_id, by=ANNA, because="seen") > 0
        self.mend()

    @rule(who=tenants)
    def take_unreadable_back(self, who: Tenant) -> None:
        self.spoil()
        for one in TENANTS:
            self.desk_of(one).set_unreadable_aside(one.order_id, by=ANNA, because="seen")
        assert self.act(who, "take_unreadable_back", who.order_id, by=ANNA) > 0
        self.mend()

    @rule(who=tenants)
    def unreadable_orders(self, who: Tenant) -> None:
        self.spoil()
        self.desk_of(who).set_unreadable_aside(who.order_id, by=ANNA, because="seen")
        assert [one.order_id for one in self.act(who, "unreadable_orders").orders] == [who.order_id]
        self.mend()

    # --- money -----------------------------------------------------------------------------------------

    def refunded(self, who: Tenant, status: RefundStatus = RefundStatus.SUCCEEDED) -> str:
        self.know_the_books(who)
        self.ledger_of(who).new_status = status
        refund = self.desk_of(who).refund
        refund_id = refund(who.order_id, "p_1", EUR1, by=ANNA, request_id=self.form(who)).refund_id
        self.ledger_of(who).new_status = RefundStatus.SUCCEEDED
        assert refund_id is not None
        return refund_id

    def transferred(self, who: Tenant) -> str:
        """One that goes to a bank account, which is kept with it."""
        self.know_the_books(who)
        agreed, form = Consent(how=ConsentWay.PHONE, note="he called"), self.form(who)
        decide = self.desk_of(who).refund
        refund_id = decide(who.order_id, "p_1", EUR1, to=JANSEN, consent=agreed, by=ANNA, request_id=form).refund_id
        assert refund_id is not None
        return refund_id

    def pending(self, who: Tenant) -> str:
        return self.refunded(who, RefundStatus.PENDING)

    def held(self, who: Tenant) -> str:
        self.ledger_of(who).before = [ProviderError(ErrorCode.INSUFFICIENT_BALANCE, "top up")]
        return self.refunded(who)

    def confirmed(self, who: Tenant) -> str:
        confirm, form = self.desk_of(who).confirm_refund, self.form(who)
        done = confirm(who.order_id, "p_1", EUR1, reference=f"by hand {form}", by=ANNA, request_id=form)
        assert done.refund_id is not None
        return done.refund_id

    def know_the_books(self, who: Tenant) -> None:
        """What colleagues refunded in the dashboard holds nothing up that is known of."""
        self.desk_of(who).reconcile(who.order_id)

    def linked(self, who: Tenant) -> str:
        self.know_the_books(who)
        opened = self.desk_of(who).open_refund_link(who.order_id, "p_1", EUR1, by=ANNA, request_id=self.form(who))
        assert opened.refund_id is not None
        return opened.refund_id

    def on_refund(
        self, who: Tenant, others: bool, method: str, given: Callable[[Tenant], str], *arguments: Any, **more: Any
    ) -> None:
        """A method on a refund that is as ``given``, and on those of others."""
        refund_id = given(who)
        if others:
            self.before = rows(self.engine)
            act = getattr(self.desk_of(who), method)
            self.act_on_anothers(who, self.refund_ids, lambda one: act(who.order_id, one, *arguments, **more))
        self.act(who, method, who.order_id, refund_id, *arguments, **more)

    @rule(who=tenants, instead=st.booleans(), status=st.sampled_from(list(RefundStatus)))
    def refund(self, who: Tenant, instead: bool, status: RefundStatus) -> None:
        waiting = self.linked(who) if instead else None
        self.ledger_of(who).new_status = status
        form = self.form(who)
        self.act(who, "refund", who.order_id, "p_1", EUR1, by=ANNA, request_id=form, instead_of=waiting)
        self.ledger_of(who).new_status = RefundStatus.SUCCEEDED

    @rule(who=tenants)
    def open_refund_link(self, who: Tenant) -> None:
        self.act(who, "open_refund_link", who.order_id, "p_1", EUR1, by=ANNA, request_id=self.form(who))

    @rule(who=tenants, of_link=st.booleans())
    def confirm_refund(self, who: Tenant, of_link: bool) -> None:
        """With the reference that the others confirm theirs with, in the same form."""
        waiting, form = self.linked(who) if of_link else None, self.form(who)
        reference, more = f"by hand {form}", {"by": ANNA, "request_id": form, "refund_id": waiting}
        self.act(who, "confirm_refund", who.order_id, "p_1", EUR1, reference=reference, **more)

    @rule(who=tenants, others=st.booleans())
    def reverse_refund(self, who: Tenant, others: bool) -> None:
        self.on_refund(who, others, "reverse_refund", self.confirmed, reference="it came back", by=ANNA)

    @rule(who=tenants, others=st.booleans())
    def cancel_refund(self, who: Tenant, others: bool) -> None:
        self.on_refund(who, others, "cancel_refund", self.pending, by=ANNA)

    @rule(who=tenants, others=st.booleans())
    def set_refund_batch(self, who: Tenant, others: bool) -> None:
        """A provider's refund goes in no batch; one that nobody but a person can make does."""
        self.on_refund(who, others, "set_refund_batch", self.transferred, "B1", by=ANNA)

    @rule(who=tenants, others=st.booleans())
    def retry_refund(self, who: Tenant, others: bool) -> None:
        self.on_refund(who, others, "retry_refund", self.held, by=ANNA)

    def unknown(self, who: Tenant) -> str:
        """One whose answer was lost, and whose provider was not heard of for more than a day."""
        ledger = self.ledger_of(who)
        ledger.before = [ProviderError(ErrorCode.OUTCOME_UNKNOWN, "no answer")]
        refund_id = self.refunded(who)
        self.now += datetime.timedelta(days=1, minutes=1)
        ledger.lookup_fails = 2
        return refund_id

    @rule(who=tenants, others=st.booleans())
    def settle_refund(self, who: Tenant, others: bool) -> None:
        self.on_refund(who, others, "settle_refund", self.unknown, happened=False, evidence="looked", by=ANNA)
        self.ledger_of(who).lookup_fails = 0

    # --- labels ------------------------------------------------------------------------------------------

    def given_label(self, who: Tenant) -> dict[str, Any]:
        return {"sender": HOME, "parcel": BOX, "by": ANNA, "account": who.account, "provider": "small_carrier"}

    def labelled(self, who: Tenant, *faults: Callable[[], Exception]) -> str:
        given = {**self.given_label(who), "request_id": self.form(who)}
        self.carrier_of(who).faults = deque(faults)
        made = self.desk_of(who).order_label(who.order_id, self.approved(who), OPTION, **given)
        return str(made.label_id)

    def on_label(self, who: Tenant, others: bool, method: str, label_id: str, **more: Any) -> None:
        """A method on a label, and on those of others."""
        if others:
            self.before = rows(self.engine)
            act = getattr(self.desk_of(who), method)
            self.act_on_anothers(who, self.label_ids, lambda one: act(who.order_id, one, **more))
        self.act(who, method, who.order_id, label_id, **more)

    @rule(who=tenants)
    def label_options(self, who: Tenant) -> None:
        self.act(who, "label_options", who.order_id, **self.given_label(who))

    @rule(who=tenants)
    def order_label(self, who: Tenant) -> None:
        return_id, given = self.approved(who), {**self.given_label(who), "request_id": self.form(who)}
        self.act(who, "order_label", who.order_id, return_id, OPTION, **given)

    @rule(who=tenants, others=st.booleans())
    def label_document(self, who: Tenant, others: bool) -> None:
        self.on_label(who, others, "label_document", self.labelled(who), by=ANNA)

    @rule(who=tenants)
    def tracking_page(self, who: Tenant) -> None:
        return_id = self.approved(who)
        self.act(who, "tracking_page", who.order_id, return_id)

    @rule(who=tenants)
    def reconcile_labels(self, who: Tenant) -> None:
        """Of a label that its carrier has moved since."""
        self.labelled(who)
        self.carrier_of(who).bought[-1].progress = ParcelState.ON_ITS_WAY
        self.act(who, "reconcile_labels", who.order_id)

    @rule(who=tenants, others=st.booleans())
    def cancel_label(self, who: Tenant, others: bool) -> None:
        self.on_label(who, others, "cancel_label", self.labelled(who), by=ANNA)

    @rule(who=tenants, others=st.booleans())
    def settle_label(self, who: Tenant, others: bool) -> None:
        """Of a label that the carrier could say nothing about."""
        label_id = self.labelled(who, lost)
        self.put_off(LATER)
        self.put_off(DUE, [who])
        self.desk_of(who).work()
        self.on_label(who, others, "settle_label", label_id, by=ANNA, made=False)

    @rule(who=tenants)
    def explain_payment(self, who: Tenant) -> None:
        """Of a payment that left the order with money gone back on it; it comes back when that was said."""
        self.refunded(who)
        orders, another = self.shops[who.shop].orders, f"p_1 {self.form(who)}"
        order = orders[who.order_id]
        payments = [attrs.evolve(one, reference=another if one.reference == "p_1" else "h_1") for one in order.payments]
        orders[who.order_id] = attrs.evolve(order, payments=payments)
        self.act(who, "explain_payment", who.order_id, "p_1", became=another, by=ANNA)
        orders[who.order_id] = order

    @rule(who=tenants)
    def match_refund(self, who: Tenant) -> None:
        for _ in range(2):  # nobody can tell which of the two it is
            self.made_in_dashboard(who)
        link = self.linked(who)
        self.desk_of(who).reconcile(who.order_id)
        refunds = self.desk_of(who).dossier(who.order_id).refunds.values()
        found = [one.id for one in refunds if one.source == "external" and one.amount == EUR1]
        self.act(who, "match_refund", who.order_id, link, found[-1], by=ANNA)

    def made_in_dashboard(self, who: Tenant) -> str:
        self.ledger_of(who).clock = lambda: self.now
        reference: str = self.ledger_of(who).add("p_1", EUR1).reference
        return reference

    @rule(who=tenants)
    def reconcile(self, who: Tenant) -> None:
        self.made_in_dashboard(who)
        assert self.act(who, "reconcile", who.order_id).changed

    @rule(who=tenants, signed_by=tenants, hint=st.booleans(), seen=st.booleans())
    def receive_webhook(self, who: Tenant, signed_by: Tenant, hint: bool, seen: bool) -> None:
        """What others were told with the same ids is news for this one; what another signed is none for anybody.

        Of an order that was not seen yet it is no news where the shop, asked by the reference alone, names another.
        """
        self.receive_of_a_parcel(who, signed_by)
        self.receive_of_nobodys(who)
        self.receive_broken(who)
        self.receive_hint(who)
        if seen:
            self.received(who)
        reference = self.made_in_dashboard(who)
        body = b"fetch:p_1" if hint else f"event:{reference}".encode()
        address = {"account": who.account, "mode": who.mode}
        if signed_by.secret != who.secret:
            with pytest.raises(InvalidWebhook):
                self.act(who, "receive_webhook", "ledger", {"signature": signed_by.secret}, body, **address)
        receipt = self.act(who, "receive_webhook", "ledger", {"signature": who.secret}, body, **address)
        refunds = self.desk_of(who).dossier(who.order_id).refunds.values()
        assert receipt.kept == any(one.reference == reference for one in refunds)
        assert receipt.kept or not seen

    def receive_of_a_parcel(self, who: Tenant, signed_by: Tenant) -> None:
        """Of a label that every account calls by the same name."""
        self.labelled(who)
        said = {"id": f"ev {self.form(who)}", "told": "ready", "progress": "on_its_way"}
        headers, body = signed_webhook({**said, "reference": self.carrier_of(who).bought[-1].reference})
        given = {"account": who.account}
        if signed_by.secret != who.secret:
            forged = {**headers, "signature": signed_by.secret}
            with pytest.raises(InvalidWebhook):
                self.act(who, "receive_webhook", "small_carrier", forged, body, **given)
        signed = {**headers, "signature": who.secret}
        with pytest.raises(InvalidWebhook, match="it was for test parcels"):
            self.act(who, "receive_webhook", "small_carrier", signed, body, mode=Mode.TEST, **given)
        self.act(who, "receive_webhook", "small_carrier", signed, body, **given)
        assert list(self.desk_of(who).dossier(who.order_id).labels.values())[-1].progress is ParcelState.ON_ITS_WAY

    def receive_of_nobodys(self, who: Tenant) -> None:
        """Of a payment that nobody knows: it is kept by the account, until that is asked what else it is called."""
        ledger, name = self.ledger_of(who), f"nobody's {self.form(who)}"
        ledger.paid[name] = EUR1
        body = f"event:{ledger.add(name, EUR1).reference}".encode()
        before = rows(self.engine)
        address = {"account": who.account, "mode": who.mode}
        told = self.desk_of(who).receive_webhook("ledger", {"signature": who.secret}, body, **address)
        assert (told.kept, told.unknown) == (0, 1)
        assert differ(before, rows(self.engine)) == {(who.shop, f"ledger/{who.account}/{who.mode.value}")}

    def receive_broken(self, who: Tenant) -> None:
        """One that its plugin breaks over, which is of no order: its shop keeps that it happened."""
        before = rows(self.engine)
        with pytest.raises(ProviderUnavailable):
            self.desk_of(who).receive_webhook(
                "ledger", {"signature": who.secret}, b"?", account=who.account, mode=who.mode
            )
        assert differ(before, rows(self.engine)) == {(who.shop, "")}

    def receive_hint(self, who: Tenant) -> None:
        """Of a payment of its order, by a provider that signs nothing."""
        self.received(who)
        self.act(
            who,
            "receive_webhook",
            "hinting",
            {"signature": who.secret},
            b"fetch:h_1",
            account=who.account,
            mode=who.mode,
        )

    # --- looking ---------------------------------------------------------------------------------------

    @rule(who=tenants)
    def refund_options(self, who: Tenant) -> None:
        options = self.act(who, "refund_options", who.order_id)
        assert [(one.payment.account, one.payment.mode) for one in options] == [(who.account, who.mode)] * 2

    @rule(who=tenants)
    def refund_link(self, who: Tenant) -> None:
        self.act(who, "refund_link", who.order_id, "p_1", EUR1)

    @rule(who=tenants)
    def timeline(self, who: Tenant) -> None:
        self.act(who, "timeline", who.order_id)

    @rule(who=tenants)
    def dossier(self, who: Tenant) -> None:
        assert self.act(who, "dossier", who.order_id).version == self.count(who, "event")

    @rule(who=tenants)
    def can_do(self, who: Tenant) -> None:
        told = self.act(who, "can_do", who.order_id, by=ANNA)
        counted = {name: self.count(who, name) for name in ("return", "refund", "label")}
        assert {"return": len(told.returns), "refund": len(told.refunds), "label": len(told.labels)} == counted

    @rule(who=tenants)
    def list_returns(self, who: Tenant) -> None:
        """Of its order, and of its shop by each way in which rows are found: none is another shop's."""
        own = self.act(who, "list_returns", order_id=who.order_id, limit=500).returns
        assert len(own) == self.count(who, "return")
        found = [self.act(who, "list_returns", limit=500, **one).returns for one in ({}, SEARCHED, FOR_A_REASON)]
        for rows_found in found:
            for one in rows_found:
                assert one.return_id in self.return_ids(attrs.evolve(who, **whose(one.order_id)))
                assert one.order == self.shops[who.shop].orders[one.order_id]

    @rule(who=tenants)
    def list_refunds(self, who: Tenant) -> None:
        page = self.act(who, "list_refunds", order_id=who.order_id, limit=500)
        assert len(page.refunds) == self.count(who, "refund")
        for one in self.act(who, "list_refunds", limit=500, **SEARCHED).refunds:
            assert one.refund_id in self.refund_ids(attrs.evolve(who, **whose(one.order_id)))

    @rule(who=tenants)
    def list_labels(self, who: Tenant) -> None:
        own = self.act(who, "list_labels", order_id=who.order_id, limit=500).labels
        assert len(own) == self.count(who, "label")
        for one in self.act(who, "list_labels", limit=500, **SEARCHED).labels:
            assert self.shops[who.shop].orders[one.order_id] == one.order

    @rule(who=tenants)
    def figures(self, who: Tenant) -> None:
        told = self.act(who, "figures", weeks=106, until=NOON.date() + datetime.timedelta(days=700))
        in_all = sum(self.count(one, "return") for one in self.of_shop(who))
        assert sum(one.returns for one in told.weeks) == in_all

    @rule(who=tenants)
    def count_returns(self, who: Tenant) -> None:
        counted = self.act(who, "count_returns", order_id=who.order_id)
        assert sum(one.count for one in counted) == self.count(who, "return")
        of_shop = self.act(who, "count_returns", opened_from=NOON)
        assert sum(one.count for one in of_shop) == sum(self.count(one, "return") for one in self.of_shop(who))

    @rule(who=tenants)
    def total_refunds(self, who: Tenant) -> None:
        counted = self.act(who, "total_refunds", order_id=who.order_id)
        assert sum(one.count for one in counted) == self.count(who, "refund")
        of_shop = self.act(who, "total_refunds", opened_from=NOON)
        assert sum(one.count for one in of_shop) == sum(self.count(one, "refund") for one in self.of_shop(who))

    def of_shop(self, who: Tenant) -> list[Tenant]:
        return [one for one in TENANTS if one.shop == who.shop]

    @rule(who=tenants)
    def attention(self, who: Tenant) -> None:
        """The list of a shop has what each of its tenants has to look at, and nothing of the other shop."""
        listed = [one.order_id for one in self.act(who, "attention", limit=500).items]
        assert listed.count(who.order_id) == self.count(who, "attention")

    @rule(who=tenants)
    def attention_counts(self, who: Tenant) -> None:
        of_shop = [one for one in TENANTS if one.shop == who.shop]
        counted = self.act(who, "attention_counts")
        of_none = len(self.before.get((who.shop, ""), []))  # of no order: what a plugin broke over
        assert sum(counted.values()) == sum(self.count(one, "attention") for one in of_shop) + of_none

    @rule(who=tenants, others=st.booleans())
    def acknowledge(self, who: Tenant, others: bool) -> None:
        """Of something that failed, which the others have as well."""
        self.ledger_of(who).before = [ProviderError(ErrorCode.DISPUTED, "a case is open")]
        refund_id = self.refunded(who)
        if others:
            self.before = rows(self.engine)
            act = self.desk_of(who).acknowledge
            self.act_on_anothers(who, self.refund_ids, lambda one: act(who.order_id, "refund_failed", one, by=ANNA))
        self.act(who, "acknowledge", who.order_id, "refund_failed", refund_id, by=ANNA, note="seen")

    def count(self, who: Tenant, table: str) -> int:
        return sum(name == f"retour_{table}" for name, *_ in self.before.get((who.shop, who.order_id), []))

    @rule(who=tenants)
    def find_order(self, who: Tenant) -> None:
        found = self.act(who, "find_order", "ledger", "p_1", account=who.account, mode=who.mode)
        assert found in (who.order_id, None)
        if self.count(who, "reference"):
            assert found == who.order_id

    @rule(who=tenants)
    def check_settings(self, who: Tenant) -> None:
        made = self.desk._services.accounts._made
        before = dict(made)
        self.act(who, "check_settings", "ledger", account=who.account, mode=who.mode)
        made.update(before)  # what was made anew has no books

    @rule(who=tenants)
    def shipping_options(self, who: Tenant) -> None:
        self.act(who, "shipping_options", who.order_id)

    # --- a worker, who serves all ----------------------------------------------------------------------

    def put_off(self, moment: int, whose: Sequence[Tenant] = TENANTS) -> None:
        with self.engine.begin() as connection:
            connection.execute(tables.looks.delete())  # no account has to rest
            for one in whose:
                connection.execute(
                    text(
                        "UPDATE retour_effect SET not_before = :moment, owner = NULL, lease_until = 0 "
                        "WHERE state = 'waiting' AND shop = :shop AND order_id = :order_id"
                    ),
                    {"moment": moment, "shop": one.shop, "order_id": one.order_id},
                )

    @rule(
        whose=st.lists(tenants, unique=True, max_size=3),
        left=st.lists(tenants, unique=True, max_size=3),
        days=st.sampled_from([0, 0, 0, 2, 400]),
        by=st.sampled_from(SHOPS),
    )
    def work(self, whose: list[Tenant], left: list[Tenant], days: int, by: str) -> None:
        """What is due is done, of whichever shop, and nothing else is touched; what was done long ago is forgotten,
        whosever it was."""
        for one in left:
            with self.engine.begin() as connection:
                self.on_connection(one, connection)
        self.now += datetime.timedelta(days=days)
        self.put_off(LATER)
        self.put_off(DUE, whose)
        forgotten = self.were_done_long_ago()
        before = rows(self.engine, forgotten)
        due, accounts = self.has_something_due(), self.have_something_to_ask()
        self.desk.for_shop(by).work()
        accounts |= {key for one in TENANTS for key in one.accounts if (one.shop, one.order_id) in due}
        assert differ(before, rows(self.engine, forgotten)) - accounts == due

    def were_done_long_ago(self) -> set[str]:
        """The ids of the effects that may be pruned."""
        asked = "SELECT id FROM retour_effect WHERE state = 'done' AND not_before < :oldest"
        oldest = int((self.now - USUALLY_KEPT).timestamp() * 1_000_000)
        with self.engine.connect() as connection:
            return {row[0] for row in connection.execute(text(asked), {"oldest": oldest})}

    def have_something_to_ask(self) -> set[Key]:
        """The accounts of which somebody has named a payment that nobody knows."""
        asked = "SELECT shop, provider, account, mode FROM retour_unknown_account WHERE signed + unsigned > 0"
        with self.engine.connect() as connection:
            return {(row[0], "/".join(row[1:])) for row in connection.execute(text(asked))}

    def has_something_due(self) -> set[Key]:
        """Whose effects may be claimed, whose notes are over, whose returns should have been sent."""
        now, today = int(self.now.timestamp() * 1_000_000), self.now.date().isoformat()
        asked = (
            "SELECT shop, order_id FROM retour_effect WHERE state = 'waiting' AND not_before = 0 "
            "UNION SELECT shop, order_id FROM retour_personal WHERE expires_at <= :now "
            "UNION SELECT shop, order_id FROM retour_return WHERE due < :today"
        )
        with self.engine.connect() as connection:
            return {
                (shop, order_id) for shop, order_id in connection.execute(text(asked), {"now": now, "today": today})
            }


RULES = {
    name: one.hypothesis_stateful_rule
    for name, one in vars(Neighbours).items()
    if hasattr(one, "hypothesis_stateful_rule")
}


@pytest.fixture
def machine(database: str, world: Any, caplog: pytest.LogCaptureFixture) -> type[Neighbours]:
    caplog.set_level(logging.CRITICAL, "retour")
    return type("Neighbours", (Neighbours,), {"url": database, "world": world, "ledger_provider": world.provider})


def test_every_public_method_has_a_rule_here() -> None:
    assert RULES.keys() == METHODS


def test_every_table_is_of_tenants() -> None:
    """But that of the migrations: each row of the others says whose shop it is of."""
    assert all("shop" in table.c for table in OF_TENANTS)
    assert [table for table in tables.metadata.sorted_tables if table not in OF_TENANTS] == [tables.migration]


def test_each_public_method_of_one_tenant_leaves_the_rows_of_all_others_byte_for_byte(
    machine: type[Neighbours],
) -> None:
    """Each of them in every example, whichever the random stories take; and every table has rows at some time."""
    MET.clear()

    @settings(max_examples=3, deadline=None)
    @given(data=st.data(), methods=st.permutations(sorted(METHODS)))
    def each(data: st.DataObject, methods: list[str]) -> None:
        one = machine()
        try:
            one.open()
            for method in methods:
                given = {name: data.draw(strategy) for name, strategy in RULES[method].arguments.items()}
                RULES[method].function(one, **given)
        finally:
            one.teardown()

    each()
    assert {table.name for table in OF_TENANTS} == MET


@pytest.mark.parametrize("days", [0, 400])
def test_what_was_done_long_ago_is_forgotten_of_each_tenant_and_nothing_else(
    machine: type[Neighbours], days: int
) -> None:
    one = machine()
    try:
        one.open()
        for who in TENANTS[::3]:
            one.refunded(who)
        one.work(whose=[], left=[], days=days, by="north")
        effects = [row for of_it in rows(one.engine).values() for row in of_it if row[0] == "retour_effect"]
        assert any("done" in row for row in effects) == (days == 0)
    finally:
        one.teardown()


def test_whatever_tenants_do_leaves_the_rows_of_all_others_byte_for_byte(machine: type[Neighbours]) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=EXAMPLES if machine.url.startswith("sqlite") else max(1, EXAMPLES // 3),
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
