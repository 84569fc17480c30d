"""What is accepted reads for ever, whoever said it: orders live through what can happen to them, one hostile value a
step.

In each step a method of the desk is called with what is possible now. One value is hostile at most: in an argument, or
in what a hook, a provider, a carrier or the shop answers meanwhile. Whatever is accepted folds, is read back from the
database as it was, and is shown to everybody in both languages; no other order is changed by it. What is refused is a
`RetourError`, and no person did anything.

So that it cannot come to prove nothing, what is accepted is counted: of every public method, hook and answer, found by
reflection, something must be, and of most of them something hostile.
"""

from __future__ import annotations

import inspect
import logging
import os
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import database_clock
import pytest
from fuzz.hostile_values import NOW, spoiled
from fuzz.one_life import ANNA, HOOKS, REGISTERING, Counted, HostsOwnError, Life, Step
from fuzz.steps_of_a_life import ARRANGED, ASKED_BY, FIRST, POSSIBLE, happens
from sqlalchemy import text

from retour import Dossier, Outcome, RetourError, ReturnDesk, ShopReadingPages
from retour.model.money import total
from retour.model.summaries import return_details
from retour.plugins import calling
from retour.plugins.hooks import Hooks
from retour.providers.contract import MakesLabels, PaymentProvider, RefundsByApi
from retour.rules.amounts import order_amounts
from retour.rules.quote import value_of_what_came_back, values_of_returns
from retour.shop import ShopCaller
from retour.store import tables
from retour.store.connect import connect
from retour.store.records import EVENT_COLUMNS, event_row, read_event

EXAMPLES = int(os.environ.get("RETOUR_EXAMPLES", "40"))
LIVES = max(24, EXAMPLES // 4)
"""How many orders live; ``make fuzz`` lets many more."""

ON_POSTGRESQL = max(2, LIVES // 12)
STEPS = 30

METHODS = {
    name: inspect.signature(method).parameters
    for name, method in inspect.getmembers(ReturnDesk, inspect.isfunction)
    if not name.startswith("_") and name != "close"
}
"""Every public method of the desk but the one that ends it, with its arguments."""


def _own(protocol: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(protocol, inspect.isfunction) if not name.startswith("_")}


ANSWERS = [
    *[f"hook {name}" for name in HOOKS],
    *[f"answer ledger.{name}" for name in sorted(_own(RefundsByApi) | _own(PaymentProvider))],
    *[f"answer small_carrier.{name}" for name in sorted(_own(MakesLabels))],
    *[f"shop {name}" for name in sorted(_own(ShopReadingPages))],
]
"""Everybody who is asked anything, by reflection."""


@pytest.fixture(autouse=True)
def _silence() -> Iterator[None]:
    """Plugins fail by the thousand here, and each is logged with where it failed."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counted]:
    """Counts what the core takes of what it is told, where it takes it; and the database tells the lives' time."""
    counts = Counted()

    def counts_what_is_taken(owner: Any, name: str, named: Callable[..., str]) -> None:
        inner = getattr(owner, name)

        def outer(*given: Any, **more: Any) -> Any:
            answer = inner(*given, **more)
            counts.took(named(*given, **more))
            return answer

        monkeypatch.setattr(owner, name, outer)

    counts_what_is_taken(calling, "called", lambda caller, _, method, *__, **___: f"answer {caller.name}.{method}")
    counts_what_is_taken(Hooks, "_checked", lambda _, __, hook, *___: f"hook {hook}")
    counts_what_is_taken(Hooks, "_tell", lambda _, __, hook, **___: f"hook {hook}")
    for name in _own(ShopReadingPages):
        counts_what_is_taken(ShopCaller, name, lambda *_, name=name: f"shop {name}")
    database_clock.install()
    database_clock.tell(lambda: NOW)
    yield counts
    database_clock.tell(None)


# --- what must hold after each step --------------------------------------------------------------------------


def by_persons(life: Life) -> int:
    """How many events of a person the order has."""
    with life.engine.connect() as connection:
        found = connection.execute(
            text(
                "SELECT count(*) FROM retour_event WHERE shop = :shop AND order_id = '1001' "
                "AND actor_kind IN ('staff', 'customer')"
            ),
            {"shop": life.desk.shop_id},
        )
        return int(found.scalar_one())


def read_back(life: Life, after: int) -> int:
    """Every event stored since ``after`` is read, and written again as it stands. Gives the number of the newest."""
    with life.engine.connect() as connection:
        columns = [tables.event.c[name] for name in EVENT_COLUMNS]
        rows = connection.execute(
            tables.event.select()
            .with_only_columns(*columns, tables.event.c.commit_id)
            .where(
                tables.event.c.shop == life.desk.shop_id,
                tables.event.c.order_id == "1001",
                tables.event.c.seq > after,
            )
            .order_by(tables.event.c.seq)
        ).all()
    for row in rows:
        recorded = read_event("1001", row[:-1])
        written = event_row(life.desk.shop_id, "1001", recorded, row.commit_id)
        assert written == {"shop": life.desk.shop_id, "order_id": "1001", **row._asdict()}
        again = read_event("1001", [written[name] for name in EVENT_COLUMNS])
        assert again == recorded
    return rows[-1].seq if rows else after


def shown(life: Life) -> None:
    """The order is folded and shown to everybody in both languages, in words that can be sent."""
    desk, languages = life.desk, ("en", "nl")
    for audience in ("staff", "customer"):
        for entry in desk.timeline("1001", audience):
            words = [entry.text(language) for language in languages]
            assert f"{words}{entry.note}{entry.url}{entry.account}{entry.instructions}{entry.by.id}".encode()
    dossier = desk.dossier("1001")
    returns = desk.list_returns(order_id="1001", limit=500).returns
    refunds = desk.list_refunds(order_id="1001", limit=500).refunds
    assert (len(returns), len(refunds)) == (len(dossier.returns), len(dossier.refunds))
    amounts, values = order_amounts(dossier), values_of_returns(dossier)
    if dossier.order is not None and returns:
        together = total(list(values.values()), dossier.order.currency)
        assert together == value_of_what_came_back(dossier, dossier.order).gross
    for one in returns:
        told = return_details(dossier, dossier.returns[one.return_id], values.get(one.return_id))
        assert (one.lines, one.references, one.value) == (told.lines, told.references, told.value)
        assert (one.refunded, one.waiting, one.suggested) == (amounts.refunded, amounts.waiting, amounts.suggested)
        assert (one.goods, one.stock) == (dossier.returns[one.return_id].goods, dossier.returns[one.return_id].stock)
    for row in refunds:
        refund = dossier.refunds[row.refund_id]
        assert (row.reference, row.source, row.return_id) == (refund.reference, refund.source, refund.return_id)
        assert (row.why, row.page, row.lacks_consent) == (refund.problem, refund.page, refund.lacks_consent)


def attention_shown(life: Life) -> None:
    """What a person must look at is told in both languages."""
    for item in life.desk.attention(limit=500).items:
        words = [f"{item.what.render(language)}{item.why.render(language)}" for language in ("en", "nl")]
        assert f"{words}{item.about}{item.others}".encode()


def options_shown(life: Life) -> None:
    for option in life.desk.refund_options("1001"):
        words = [option.link.label, option.link.instruction]
        words += [] if option.because is None else [option.because.words]
        assert "".join([one.render(language) for one in words for language in ("en", "nl")]).encode()


def neighbour(life: Life) -> tuple[Any, Dossier]:
    """All that is told of another order."""
    told = [(entry.text("en"), entry.text("nl"), entry.note) for entry in life.desk.timeline("1002")]
    return told, life.desk.dossier("1002")


# --- living --------------------------------------------------------------------------------------------------


def next_method(life: Life) -> str:
    """A method, the sooner the more rarely it was accepted so far."""
    some = life.choose.sample(sorted(POSSIBLE), 9)
    return min(some, key=lambda name: (life.counted.taken[f"command {name}"], name))


def possible(life: Life, name: str) -> Mapping[str, Any] | None:
    """What the method can be called with now; it is made possible once in a while, where it is not."""
    given = POSSIBLE[name](life)
    if given is None and name in ARRANGED and life.choose.random() < 0.7:
        with suppress(RetourError):  # of what is not possible either
            ARRANGED[name](life)
        given = POSSIBLE[name](life)
    return given


def with_something_hostile(life: Life, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with one that is hostile: of those that are given, or could be."""
    parameter = life.choose.choice(list(METHODS[name].values())[1:] or [None])
    if parameter is None:
        return dict(given)
    usual = None if parameter.default is inspect.Parameter.empty else parameter.default
    life.counted.step.placed = f"argument {name}.{parameter.name}"
    life.counted.tried[life.counted.step.placed] += 1
    try:
        return {**given, parameter.name: spoiled(life.choose, given.get(parameter.name, usual))}
    except Exception:  # noqa: BLE001 - the value's own class refuses it, in the host's code
        life.counted.step.placed = ""
        return dict(given)


def aimed(life: Life) -> str:
    """Whose answer is to be hostile: once in a while that of somebody of whom little was taken so far."""
    if life.choose.random() < 0.6:
        return ""
    seldom = min(ASKED_BY, key=lambda name: (life.counted.placed[name], life.counted.taken[name], name))
    if seldom in FIRST:
        with suppress(RetourError):
            FIRST[seldom](life)
    return seldom


def step(life: Life) -> str | None:
    """One method is called with what is possible now. Gives what happened, for whoever reads of a failure."""
    aim = aimed(life)
    name = ASKED_BY[aim] if aim else next_method(life)
    given = possible(life, name)
    if given is None:
        return None
    counted = life.counted
    wants = life.choose.choice(["", "argument", "argument", "answer"])
    if aim:  # of what seldom is taken, something right is said as often as something hostile
        wants = "answer" if counted.placed[aim] <= counted.taken[aim] else ""
    counted.step = Step(wants=wants, aim=aim)
    given = with_something_hostile(life, name, given) if wants == "argument" else given
    before = by_persons(life)
    counted.tried[f"command {name}"] += 1
    life.said = f"{name}({', '.join(given)}), hostile: {counted.step.placed or aim or wants or 'nothing'}"
    try:
        answer = getattr(life.desk, name)(**given)
    except RetourError as error:
        refused = f"{error.text('en')} {error.text('nl')}"
    except HostsOwnError:
        assert counted.step.placed.startswith("shop"), life.said
        refused = "the shop's own"
    else:
        refused = ""
        counted.took(f"command {name}")
        if counted.step.placed.startswith("argument"):
            counted.took(counted.step.placed)
        if isinstance(answer, Outcome):
            life.outcomes.append(answer)
    placed, counted.step = counted.step.placed, Step()
    counted.tried["steps"] += 1
    if refused:
        assert refused.encode(), life.said
        assert by_persons(life) == before, life.said
        counted.tried["right and refused"] += not placed
    else:
        counted.taken["steps"] += 1
        counted.hostile["steps"] += bool(placed)
    return f"{name}: {placed or 'right'}: {refused or 'accepted'}"


def live(life: Life, steps: int) -> None:
    """A life, after each step of which everything reads."""
    happened: list[str] = []
    life.desk.mark_returned("1002", {"cup": 1}, by=ANNA, request_id="before", note="a note")
    beside, newest = neighbour(life), 0
    try:
        for number in range(steps):
            happened.append(str(step(life)))
            before, newest = newest, read_back(life, newest)
            if newest != before:  # all that is shown is made of what is stored
                shown(life)
                assert life.desk.dossier("1002").version == beside[1].version
            if number % 4 == 3:
                options_shown(life)
                attention_shown(life)
                happens(life)
        life.let_pass(NOW - NOW)
        life.desk.work()
        read_back(life, 0)
        shown(life)
        attention_shown(life)
        assert {one.order_id for one in life.desk.unreadable_orders().orders} <= {"1003"}
        assert neighbour(life) == beside
    except BaseException as error:
        error.add_note("\n".join([*happened, life.said]))
        raise
    finally:
        life.desk.close()


# --- the tests -----------------------------------------------------------------------------------------------


def few(counted: Counted) -> dict[str, int]:
    """Of what less was accepted than proves anything, and how often it was tried."""
    names = [*[f"command {name}" for name in METHODS], *ANSWERS]
    return {name: counted.tried[name] for name in names if counted.taken[name] < 3}


def never_hostile(counted: Counted) -> set[str]:
    """Who never answered anything hostile."""
    return {name for name in ASKED_BY if not counted.placed[name]}


@pytest.mark.long
def test_what_is_accepted_reads_for_ever_and_what_is_refused_nobody_did(
    counted: Counted, tell: Callable[[str, Mapping[str, int]], None]
) -> None:
    for number in range(2 * LIVES):
        if number < LIVES or few(counted) or never_hostile(counted):  # what seldom comes about may need some more
            live(Life("sqlite://", "default", random.Random(number), counted), STEPS)
    assert few(counted) == {}
    assert never_hostile(counted) == set()
    steps = {kind: getattr(counted, kind)["steps"] for kind in ("tried", "taken", "hostile")}
    assert steps["taken"] > steps["tried"] / 2  # right ones are, nearly all of them
    assert counted.tried["right and refused"] < steps["tried"] / 20
    assert steps["hostile"] > steps["tried"] / 8
    values = sum(counted.placed.values()) + sum(number for name, number in counted.tried.items() if "argument" in name)
    tell("lives", {"in all": LIVES, "steps": steps["tried"], "accepted": steps["taken"], "hostile values": values})


@pytest.mark.parametrize("database", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
def test_so_it_is_on_postgresql(counted: Counted, database: str) -> None:
    """The same lives, of orders with one number in several shops."""
    engine = connect(database)
    try:
        for number in range(ON_POSTGRESQL):
            live(Life(engine, f"shop-{number}", random.Random(number), counted), STEPS)
    finally:
        database_clock.tell_postgresql(engine, None)
        engine.dispose()
    assert counted.taken["steps"] > counted.tried["steps"] / 2


def test_every_method_hook_and_answer_has_its_place_in_a_life() -> None:
    """One that is new is in no life, until somebody says here when it is possible."""
    assert set(POSSIBLE) == set(METHODS)
    registering = {f"hook {name}" for name in REGISTERING}
    assert {*ASKED_BY, *registering} == set(ANSWERS)
    assert set(ASKED_BY.values()) <= set(METHODS)
    assert set(ARRANGED) <= set(METHODS)
    assert set(FIRST) <= set(ASKED_BY)
