"""The life of an order in which everything that anybody says is right, but for one value a step.

A `Life` has a desk, a shop, two providers with books of their own, and plugins that implement every hook. Whatever of
these is asked goes through `Life.answers`, which gives what is right, or once in a step that with something hostile in
it. What was taken is counted by `Counted`.
"""

from __future__ import annotations

import datetime
import importlib.util
import inspect
import random
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import database_clock
from fuzz.hostile_values import NOW, Odd, odd, spoiled
from shipping.small_carrier import Carrier, SmallCarrier
from shipping.world import SHOP

from retour import (
    Actor,
    Approval,
    Delivery,
    InvalidSettings,
    LinkKind,
    MemoryShop,
    Money,
    Objection,
    Outcome,
    Paid,
    PluginStatus,
    RefundLink,
    RefundPlan,
    RestockDecision,
    ReturnDesk,
    StockMovement,
    StockRefused,
    Text,
    hookimpl,
)
from retour.model.making import apart
from retour.model.text import text as a_text
from retour.plugins import specs
from retour.providers import (
    ErrorCode,
    LabelRequest,
    ProviderError,
    Shipment,
    ShippingOption,
    ShippingWay,
    Support,
)
from retour.testing import a_line, a_payment, a_service, an_order

ANNA, BUYER = Actor.staff("anna"), Actor.customer("c-1")
SECRET = "right"

HOOKS = tuple([name for name, one in vars(specs).items() if hasattr(one, "retour_spec")])
"""Every hook there is."""

REGISTERING = ("payment_providers", "shipping_providers")
DECIDING = tuple([name for name in HOOKS if not name.startswith("on_") and name not in REGISTERING])
ANNOUNCING = tuple([name for name in HOOKS if name.startswith("on_")])


def _load_ledger() -> ModuleType:
    source = Path(__file__).parents[1] / "refunds/ledger_provider.py"
    spec = importlib.util.spec_from_file_location("fuzzed_ledger_provider", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


LEDGER = _load_ledger()


@attrs.define
class Counted:
    """What was ``tried``, what was ``taken`` and what of that was ``hostile``, and how often something hostile was
    ``placed``, each by its name."""

    tried: Counter[str] = attrs.field(factory=Counter)
    taken: Counter[str] = attrs.field(factory=Counter)
    hostile: Counter[str] = attrs.field(factory=Counter)
    placed: Counter[str] = attrs.field(factory=Counter)
    step: Step = attrs.field(factory=lambda: Step())

    def took(self, name: str) -> None:
        """Something was taken; what was hostile in this step, where it was that."""
        self.taken[name] += 1
        if self.step.placed == name:
            self.hostile[name] += 1


@attrs.define
class Step:
    """What is hostile in one step: nothing, an argument, or an answer, of one that is asked where it has an ``aim``.
    ``placed`` says where it is."""

    wants: str = ""
    aim: str = ""
    placed: str = ""

    def waits_for(self, name: str) -> bool:
        """Whether this answer can be the hostile one."""
        return self.wants == "answer" and not self.placed and self.aim in ("", name)


class HostsOwnError(Exception):
    """What a shop's code raises; it comes out of a command as it is."""


class FindingCarrier(SmallCarrier):
    """The small carrier with the calls that it does not have: a portal, a lookup, a check of its settings."""

    api = 2
    capabilities = attrs.evolve(
        SmallCarrier.capabilities,
        refuses_repeats=False,
        find_shipment=Support.YES,
        portal=Support.YES,
        check_settings=Support.YES,
        validate_label=Support.YES,
    )

    def portal_url(self, order: Any) -> ShippingOption:
        self.carrier.calls.append(f"portal of {order.id}")
        return ShippingOption(
            way=ShippingWay.PORTAL,
            provider=self.name,
            label=a_text("close"),
            instruction=a_text("close"),
            url="https://parcels.example/return",
        )

    def find_shipment(self, request: LabelRequest) -> Shipment | None:
        self._call("find_shipment")
        found = [one for one in self.carrier.bought if one.request.label_id == request.label_id]
        return found[0].shipment() if found else None

    def check_settings(self) -> None:
        self.carrier.calls.append("check_settings")


class Life:
    """One order, 1001, with a desk on ``store``, a neighbour, 1002, and an order that will not read, 1003."""

    def __init__(self, store: Any, shop_id: str, choose: random.Random, counted: Counted) -> None:
        self.choose, self.counted = choose, counted
        self.now = NOW
        self.forms = 0
        self.outcomes: list[Outcome] = []
        self.said = ""
        self.shop = AnsweringShop(self)
        self.carrier = Carrier()
        self.ledger = LEDGER.Ledger(
            clock=lambda: self.now,
            paid={"p_1": Money.of("900", "EUR"), "p_2": Money.of("400", "EUR")},
        )
        pays = LEDGER.make_provider(self.ledger, cancel_refund=Support.YES, payment_names=Support.YES)
        sends = type("OneCarrier", (FindingCarrier,), {"carrier": self.carrier})
        plugins = [
            Registering("ours", payment_providers=answering(self, pays), shipping_providers=answering(self, sends)),
            Registering(
                "theirs",
                payment_providers=self._registered("payment_providers", a_provider_of_theirs(pays)),
                shipping_providers=self._registered("shipping_providers", a_provider_of_theirs(sends)),
            ),
            deciding_and_hearing(self),
            "manual_transfer",
        ]
        settings: dict[str, Any] = {"ledger": {"secret": SECRET}, "small_carrier": {}, "theirs": {}}
        try:
            self.desk = self._opened(store, shop_id, plugins, settings)
        except InvalidSettings as error:
            if "theirs: no plugin of this name" not in str(error):
                raise
            # its provider has another name now, so the host takes the settings out that are for nobody
            self.desk = self._opened(
                store, shop_id, plugins, {key: one for key, one in settings.items() if key != "theirs"}
            )
        theirs = next(one for one in self.desk.plugins if one.name == "theirs")
        for name in REGISTERING if theirs.status is PluginStatus.LOADED and not theirs.providers_off else ():
            self.counted.taken[f"hook {name}"] += 1

    def _opened(self, store: Any, shop_id: str, plugins: list[Any], settings: dict[str, Any]) -> ReturnDesk:
        return ReturnDesk(
            shop=self.shop,
            store=store,
            plugins=plugins,
            settings=settings,
            shop_id=shop_id,
            migrate=True,
            clock=lambda: self.now,
            elapsed=lambda: (self.now - NOW).total_seconds(),
            return_address=SHOP,
        )

    def _registered(self, hook: str, provider: type) -> Any:
        """The class of a provider, once in a while with something in it that no class has."""
        self.counted.tried[f"hook {hook}"] += 1
        if self.choose.random() < 0.7:
            return provider
        field = self.choose.choice(["name", "display_name", "api", "settings_type", "capabilities"])
        try:
            return type("Theirs", (provider,), {field: spoiled(self.choose, getattr(provider, field))})
        except Exception:  # noqa: BLE001 - the plugin fails where it makes its class, as any module can
            return odd(self.choose)

    @property
    def engine(self) -> Any:
        """What the desk stores on."""
        return self.desk._services.store.engine

    def let_pass(self, time: datetime.timedelta) -> None:
        """Time passes for everybody, and what waits in the store for a moment in it is due."""
        self.now += time
        tell_the_time(self.engine, self.now)
        with self.engine.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE retour_effect SET not_before = 0, lease_until = 0 "
                "WHERE state = 'waiting' AND not_before < 300000000000000000"
            )

    def form(self) -> str:
        """The id of a form that was opened now."""
        self.forms += 1
        return f"form-{self.forms}"

    def answers(self, name: str, right: Callable[[], Any]) -> Any:
        """What somebody says who is asked: what is right, but for one answer in a step that is to be hostile."""
        self.counted.tried[name] += 1
        answer = right()
        often = 0 if self.counted.step.aim else self.counted.placed[name]
        if not self.counted.step.waits_for(name) or self.choose.random() > max(0.04, 0.8 / (1 + often / 4)):
            return answer  # what is asked in every step leaves room for what seldom is
        self.counted.step.placed = name
        self.counted.placed[name] += 1
        how = self.choose.random()
        if how < 0.12:
            raise self._failure(name)
        if how < 0.2:
            return odd(self.choose)
        try:
            return spoiled(self.choose, apart(answer))
        except Exception as error:  # its own class refuses it, in the code of whoever answers
            if name.startswith("shop"):
                raise HostsOwnError from error
            raise

    def _failure(self, name: str) -> Exception:
        """What somebody raises: a provider in the words of its contract too."""
        failures: list[Exception] = [Odd(), ValueError("\0"), LookupError()]
        if name.startswith("shop"):
            return HostsOwnError("half \ud800")
        if name.startswith("answer"):
            words = self.choose.choice(["no", "\ud800\0", "x" * 20_000])
            failures += [ProviderError(code, words, provider_code=words) for code in ErrorCode]
        return self.choose.choice(failures)


def tell_the_time(engine: Any, now: datetime.datetime) -> None:
    """Let the database tell this time."""
    if engine.dialect.name == "postgresql":
        database_clock.tell_postgresql(engine, now)
    else:
        database_clock.tell(lambda: now)


# --- who answers -----------------------------------------------------------------------------------------


class AnsweringShop(MemoryShop):
    """A shop with order 1001, of much, and its neighbours."""

    def __init__(self, life: Life) -> None:
        self.life = life
        payments = [
            a_payment("900.00", provider="ledger", reference="p_1"),
            a_payment("400.00", provider="ledger", reference="p_2"),
            a_payment("100.00", provider="manual_transfer", reference="bank_1"),
        ]
        lines = a_line("cup", 60, "900.00", vat="21"), a_line("pot", 30, "494.00"), a_service("post", "1.00")
        delivery = Delivery(paid=Paid.of("5", "EUR"), provider="small_carrier")
        super().__init__(
            [
                an_order(*lines, payments=payments, customer="c-1", delivery=delivery),
                an_order(a_line("cup", 9), order_id="1002", customer="c-2"),
                an_order(a_line("cup", 9), order_id="1003", customer="c-3"),
            ]
        )

    def order(self, order_id: str) -> Any:
        if order_id != "1001":
            return super().order(order_id)
        return self.life.answers("shop order", lambda: super(AnsweringShop, self).order(order_id))

    def find_order(self, provider: str, reference: str) -> Any:
        return self.life.answers("shop find_order", lambda: super(AnsweringShop, self).find_order(provider, reference))

    def read_orders(self, order_ids: Sequence[str]) -> Any:
        return self.life.answers("shop read_orders", lambda: super(AnsweringShop, self).read_orders(order_ids))

    def book_stock(self, movements: Sequence[StockMovement]) -> None:
        def booked() -> None:
            if self.life.choose.random() < 0.1:
                raise StockRefused("the product is gone", movements=[movements[0].id])
            super(AnsweringShop, self).book_stock(movements)

        self.life.answers("shop book_stock", booked)


def answering(life: Life, provider: Any) -> type:
    """A provider's class of which every method that it declares answers through the life."""

    def through(name: str) -> Callable[..., Any]:
        method = getattr(provider, name)
        return lambda self, *given: life.answers(f"answer {provider.name}.{name}", lambda: method(self, *given))

    return type(provider.__name__, (provider,), {name: through(name) for name in provider.capabilities.methods})


def a_provider_of_theirs(provider: Any) -> type:
    """Another plugin's, which the order has nothing to do with."""
    return type("Theirs", (provider,), {"name": "theirs", "display_name": "Theirs"})


class Registering:
    """A plugin that hands over a provider of each kind."""

    def __init__(self, name: str, **providers: Any) -> None:
        self.name = name
        self.providers = providers

    @hookimpl
    def payment_providers(self) -> Any:
        return [self.providers["payment_providers"]]

    @hookimpl
    def shipping_providers(self) -> Any:
        return [self.providers["shipping_providers"]]


def deciding_and_hearing(life: Life) -> Any:
    """A plugin that implements every other hook, with all arguments that the hook has."""

    def implemented(name: str) -> Any:
        spec = getattr(specs, name)

        @wraps(spec)  # pluggy reads the names of its arguments there
        def hook(*given: Any) -> Any:
            arguments = dict(zip(inspect.signature(spec).parameters, given, strict=True))
            say = SAYS.get(name, lambda *_: None)
            return life.answers(f"hook {name}", lambda: say(life.choose, arguments))

        return hookimpl(hook)

    plugin = type("Everything", (), {"name": "everything"})()
    for name in (*DECIDING, *ANNOUNCING):
        setattr(plugin, name, implemented(name))
    return plugin


def _objection(choose: random.Random, _: Mapping[str, Any]) -> Objection | None:
    return choose.choice([None, None, Objection.review("look at it"), Objection.refuse("worn")])


def _decision(choose: random.Random, given: Mapping[str, Any]) -> RestockDecision | None:
    units = {line.line_id: 1 for line in given["returned"].lines if line.sellable}
    decisions = [RestockDecision.ask("look"), RestockDecision.all(), RestockDecision.by_hand("dusty")]
    return choose.choice([None, *decisions, RestockDecision.lines(units)])


def _link(choose: random.Random, _: Mapping[str, Any]) -> RefundLink | None:
    words = Text(message="Do it by {who}", values={"who": "hand"})
    link = RefundLink(kind=LinkKind.PROVIDER_PAGE, label=words, instruction=words, url="https://books.example/")
    return choose.choice([None, link])


def _plan(choose: random.Random, given: Mapping[str, Any]) -> list[RefundPlan] | None:
    quote, plans = given["quote"], []
    rest = quote.suggested
    for share in quote.shares:
        amount = min(rest, share.left)
        if amount:
            plans.append(RefundPlan(payment=share.payment.id, amount=amount))
            rest -= amount
    return choose.choice([None, plans])


def _approval(choose: random.Random, _: Mapping[str, Any]) -> Approval | None:
    return choose.choice([None, None, None, Approval.approve(), Approval.hold("two look"), Approval.hold("again")])


SAYS: Mapping[str, Callable[[random.Random, Mapping[str, Any]], Any]] = {
    "return_policy": _objection,
    "restock_policy": _decision,
    "refund_link": _link,
    "refund_plan": _plan,
    "refund_approval": _approval,
}
"""What is right to say to each hook that decides; the others say nothing."""

DAY = datetime.timedelta(days=1)
