"""A hook, a shop, a provider or a settings function that uses the desk while the desk asks it.

It works, or ends in a clear error: nothing waits for itself, nothing goes round without an end, nothing is half done.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from itertools import count
from typing import Any

import attrs
import pytest
from sqlalchemy import Connection, Engine

from retour import (
    Actor,
    AskedWithin,
    Busy,
    LinkKind,
    MemoryShop,
    Money,
    Order,
    Outcome,
    RetourError,
    ReturnDesk,
    StoreError,
    connect,
    hookimpl,
)
from retour.plugins import specs
from retour.testing import a_line, a_payment, an_order

ANNA, BEN = Actor.staff("anna"), Actor.staff("ben")
AMOUNT = Money.of("10", "EUR")
ENDS_WITHIN = 60.0
ALWAYS = 1_000_000

ORDER = an_order(a_line("cup", 100, "100.00"), payments=[a_payment("100.00", provider="ledger", reference="p_1")])


@attrs.define
class Commanding:
    """Commands the order through the desk whenever it is asked, at most ``times``; remembers what came of each."""

    times: int
    connection: Connection | None = None
    desk: ReturnDesk | None = None
    done: dict[str, Outcome | RetourError] = attrs.field(factory=dict)
    asked: int = 0
    numbers: Iterator[int] = attrs.field(factory=count)

    def command(self) -> None:
        self.asked += 1
        if self.desk is None or self.asked > self.times:
            return
        request_id = f"inner-{next(self.numbers)}"
        try:
            self.done[request_id] = self.desk.mark_returned(
                "1001", {"cup": 1}, by=BEN, request_id=request_id, connection=self.connection
            )
        except RetourError as error:
            self.done[request_id] = error
            raise


def policy_of(commanding: Commanding, where: str) -> object:
    """A plugin that has the one hook, and leaves the answer to the next."""

    def hook(_: object) -> None:
        commanding.command()

    hook.__name__ = where
    return type("Policy", (), {"name": "policy", where: hookimpl(hook)})()


class CommandingShop(MemoryShop):
    def __init__(self, commanding: Commanding | None) -> None:
        super().__init__([ORDER])
        self.commanding = commanding

    def order(self, order_id: str) -> Order | None:
        if self.commanding is not None:
            self.commanding.command()
        return super().order(order_id)


TAKE_A_CONNECTION: Mapping[str, Callable[[ReturnDesk, Connection | None], object]] = {
    "return_policy": lambda desk, own: desk.request_return(
        "1001", {"cup": 1}, by=ANNA, request_id="outer", connection=own
    ),
    "restock_policy": lambda desk, own: desk.mark_returned(
        "1001", {"cup": 1}, by=ANNA, request_id="outer", connection=own
    ),
    "Shop.order": lambda desk, own: desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="outer", connection=own),
}
OTHERS: Mapping[str, Callable[[ReturnDesk, Connection | None], object]] = {
    "refund_plan": lambda desk, _: desk.refund_options("1001"),
    "refund_link": lambda desk, _: desk.refund_link("1001", "p_1", AMOUNT),
    "refund_approval": lambda desk, _: desk.refund("1001", "p_1", AMOUNT, by=ANNA, request_id="outer"),
}
COUNTS = {"restock_policy", "Shop.order"}
"""Where the outer command counts a unit too."""

COMMANDS = {**TAKE_A_CONNECTION, **OTHERS}


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    made = connect(database)
    yield made
    made.dispose()


def opened(world: Any, engine: Engine, commanding: Commanding, where: str) -> ReturnDesk:
    ledger = world.provider.Ledger(clock=lambda: world.now, paid={"p_1": Money.of("100", "EUR")})
    in_the_shop = where == "Shop.order"
    plugins = [world.provider.plugin(world.provider.make_provider(ledger))]
    desk = ReturnDesk(
        shop=CommandingShop(commanding if in_the_shop else None),
        store=engine,
        plugins=plugins if in_the_shop else [*plugins, policy_of(commanding, where)],
        migrate=True,
        clock=lambda: world.now,
    )
    desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="before")  # so that something is owed
    return desk


def ended(call: Callable[[], object]) -> object:
    """What a call gives or raises of ours; fails where it does not end, or raises anything else."""
    given: list[object] = []

    def run() -> None:
        try:
            given.append(call())
        except BaseException as error:  # noqa: BLE001 - looked at below
            given.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(ENDS_WITHIN)
    assert given, "it hangs"
    if isinstance(given[0], BaseException) and not isinstance(given[0], RetourError):
        raise given[0]
    return given[0]


def check_nothing_is_half_done(desk: ReturnDesk, commanding: Commanding, outer: object, *, counts: bool) -> None:
    """What gave an outcome is there, what raised is not, and the shop has booked what came back."""
    commanding.desk = None
    desk.work()
    dossier = desk.dossier("1001")
    made = {name for name, one in commanding.done.items() if isinstance(one, Outcome)}
    if isinstance(outer, Outcome):
        made.add("outer")
    assert set(dossier.requests) == made | {"before"}
    came = sum(one.counted["cup"].sellable for one in dossier.returns.values() if one.receipts)
    assert came == len([one for one in {"before", *made} if one != "outer"]) + (counts and "outer" in made)
    moved = sum(one.moved()["cup"] for one in dossier.returns.values() if one.moved())
    assert desk._services.shops("default").shop.stock == {"cup": moved}  # type: ignore[attr-defined]
    assert desk.timeline("1001")


@pytest.mark.parametrize("times", [1, ALWAYS], ids=["once", "always"])
@pytest.mark.parametrize("where", COMMANDS)
def test_one_that_commands_the_order_it_is_asked_about(world: Any, engine: Engine, where: str, times: int) -> None:
    commanding = Commanding(times)
    desk = opened(world, engine, commanding, where)
    commanding.asked, commanding.desk = 0, desk
    outer = ended(lambda: COMMANDS[where](desk, None))
    assert commanding.asked >= 1
    assert commanding.asked < 200, "it went round"
    if times == 1:
        assert not isinstance(outer, RetourError)
        assert [type(one) for one in commanding.done.values()] == [Outcome]
    check_nothing_is_half_done(desk, commanding, outer, counts=where in COUNTS)


@pytest.mark.parametrize(
    "inner, before, times",
    [
        ("its own connection", False, 1),
        ("its own connection", False, ALWAYS),
        ("its own connection", True, 1),
        ("the host's", False, 1),
        ("the host's", False, ALWAYS),
        ("the host's", True, 1),
        ("the host's", True, ALWAYS),
    ],
    ids=str,
)
@pytest.mark.parametrize("where", TAKE_A_CONNECTION)
def test_one_that_commands_the_order_while_the_hosts_transaction_is_open(
    world: Any, engine: Engine, where: str, inner: str, before: bool, times: int
) -> None:
    """In a transaction that has written the order already nobody else can: PostgreSQL is asked for five seconds."""
    commanding = Commanding(times)
    desk = opened(world, engine, commanding, where)

    def command() -> object:
        with engine.begin() as connection:
            if before:
                desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="locks", connection=connection)
            commanding.asked, commanding.desk = 0, desk
            commanding.connection = connection if inner == "the host's" else None
            try:
                return TAKE_A_CONNECTION[where](desk, connection)
            except RetourError as error:  # the host commits what else it did
                return error
            finally:
                commanding.desk = None

    outer = ended(command)
    assert 1 <= commanding.asked < 200
    for one in commanding.done.values():
        if isinstance(one, RetourError):
            assert isinstance(one, StoreError | Busy | AskedWithin), repr(one)
    if before:
        commanding.done["locks"] = Outcome(order_id="1001", version=1, changed=True)
    check_nothing_is_half_done(desk, commanding, outer, counts=where in COUNTS)


# --- reading without an end ------------------------------------------------------------------------------


def test_a_shop_that_reads_the_desk_for_the_order_that_it_is_asked_for_is_told_so(world: Any) -> None:
    class Reading(MemoryShop):
        def order(self, order_id: str) -> Order | None:
            desk.dossier(order_id)
            return super().order(order_id)

    desk = ReturnDesk(shop=Reading([ORDER]), store="sqlite://")
    with pytest.raises(AskedWithin, match=r"Shop.order would be asked within its own answer \(default / 1001\)"):
        desk.mark_returned("1001", by=ANNA)
    desk.close()


def test_a_function_of_shops_that_uses_the_desk_for_the_same_shop_is_told_so() -> None:
    def shop(shop_id: str) -> MemoryShop:
        desk.dossier("1001")
        return MemoryShop([ORDER])

    desk = ReturnDesk(shop=shop, store="sqlite://")
    with pytest.raises(AskedWithin, match="the function of the shops would be asked within its own answer"):
        desk.mark_returned("1001", by=ANNA)
    desk.close()


def test_a_policy_that_goes_from_order_to_order_is_stopped() -> None:
    asked: list[str] = []

    class Next:
        name = "next"

        @hookimpl
        def restock_policy(self, order: Order) -> None:
            asked.append(order.id)
            desk.mark_returned(str(int(order.id) + 1), by=BEN)

    orders = [an_order(a_line("cup"), order_id=str(number)) for number in range(1000, 2000)]
    desk = ReturnDesk(shop=MemoryShop(orders), store="sqlite://", plugins=[Next()])
    assert desk.mark_returned("1000", by=ANNA).changed
    assert len(asked) <= 10
    assert desk.dossier("1000").version
    desk.close()


def test_a_provider_that_uses_the_desk_without_an_end_is_unavailable(world: Any) -> None:
    world.open()
    caller = world.desk._services.accounts.refunding("default", world.shop.orders["1001"].payments[0])
    object.__setattr__(caller._provider, "refund_url", lambda _: world.desk.refund_link("1001", "p_1"))
    link = world.desk.refund_link("1001", "p_1")
    assert link.kind is LinkKind.UNAVAILABLE


# --- settings functions ----------------------------------------------------------------------------------

USES: Mapping[str, Callable[[ReturnDesk, str], object]] = {
    "refund_options of the same shop": lambda desk, shop: desk.for_shop(shop).refund_options("1001"),
    "refund_options of another shop": lambda desk, shop: desk.for_shop(
        "south" if shop == "north" else "north"
    ).refund_options("1001"),
    "plugins": lambda desk, shop: desk.for_shop(shop).plugins,
    "mark_returned": lambda desk, shop: desk.for_shop(shop).mark_returned("1001", by=BEN),
    "check_settings": lambda desk, shop: desk.for_shop(shop).check_settings("ledger"),
}


@pytest.mark.parametrize("threads", [1, 8])
@pytest.mark.parametrize("use", USES)
def test_a_settings_function_that_uses_the_desk(world: Any, use: str, threads: int) -> None:
    """It is asked for another shop within, and for the same one not again: then that provider is off, and says why."""
    ledger = world.provider.Ledger(clock=lambda: world.now, paid={"p_1": Money.of("100", "EUR")})
    asked = count()

    def settings(shop: str) -> dict[str, object]:
        assert next(asked) < 5000, "it goes round"
        USES[use](desk, shop)
        return {"ledger": {}}

    two = attrs.evolve(ORDER, payments=(*ORDER.payments, a_payment("0.00", provider="ledger", reference="p_2")))
    desk = ReturnDesk(
        shop=lambda _: MemoryShop([two]),
        store=world.database,
        plugins=[world.provider.plugin(world.provider.make_provider(ledger))],
        settings=settings,
        shop_id="north",
        migrate=True,
    )
    started = threading.Barrier(threads)

    def look() -> list[LinkKind]:
        started.wait()
        return [one.link.kind for one in desk.refund_options("1001")]

    with ExitStack() as stack:
        stack.callback(desk.close)
        found: list[object] = []
        running = [threading.Thread(target=lambda: found.append(ended(look)), daemon=True) for _ in range(threads)]
        for one in running:
            one.start()
        for one in running:
            one.join(ENDS_WITHIN)
        assert len(found) == threads, "it hangs"
        assert all(one == [LinkKind.PROVIDER_PAGE, LinkKind.UNAVAILABLE] for one in found), found


def test_settings_that_are_asked_for_while_they_are_given_say_so() -> None:
    faults: list[object] = []

    def settings(_: str) -> dict[str, object]:
        faults.extend(desk.plugins[0].settings_faults)
        return {"stripe": {"api_key": "sk_test_00000000000000000000000000000000"}}

    desk = ReturnDesk(shop=lambda _: MemoryShop(), store="sqlite://", plugins=["stripe"], settings=settings)
    assert desk.plugins[0].settings_faults == ()
    (fault,) = faults
    assert str(fault).startswith(
        "stripe: its settings cannot be read now: the settings function would be asked within its"
    )
    desk.close()


def test_every_hook_that_decides_commands_here() -> None:
    decide = {name for name, one in vars(specs).items() if "**Kind**: decide" in str(getattr(one, "__doc__", ""))}
    assert decide == COMMANDS.keys() - {"Shop.order"}
