"""Hooks: typed, isolated, and every plugin that fails is named."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from retour import (
    Actor,
    Extent,
    GoodsState,
    HookContext,
    MemoryShop,
    Objection,
    Order,
    RestockDecision,
    ReturnDesk,
    StockState,
    hookimpl,
)
from retour.model.returns import Restocked, Returned
from retour.plugins import specs
from retour.testing import a_line, an_order

ANNA = Actor.staff("anna")
SEVERAL = an_order(a_line("teapot", 1), a_line("cup", 2, tags=["hygiene"]))


def spoiled(value: Any, **fields: object) -> Any:
    """A value with fields that slipped in behind every check, as a plugin can put them there."""
    for name, field in fields.items():
        object.__setattr__(value, name, field)
    return value


class Restock:
    """A restock_policy that answers what the test says."""

    def __init__(self, answer: object, name: str = "policy") -> None:
        self.answer = answer
        self.name = name

    @hookimpl
    def restock_policy(self) -> object:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


class Unshowable(Exception):
    """An exception that cannot even say what it is."""

    def __repr__(self) -> str:
        raise ValueError("no words")

    __str__ = __repr__


def named(answer: object) -> str:
    """What a parameter is called in a test's name."""
    return type(answer).__name__


def opened(*plugins: object, order: Order = SEVERAL) -> tuple[MemoryShop, ReturnDesk]:
    shop = MemoryShop([order])
    return shop, ReturnDesk(shop=shop, store="sqlite://", plugins=plugins)


# --- deciding --------------------------------------------------------------------------------------------


def test_a_policy_decides_before_the_core_does() -> None:
    shop, desk = opened(Restock(RestockDecision.all()))
    assert not desk.mark_returned("1001", by=ANNA).restock.needs_answer
    assert shop.stock == {"teapot": 1, "cup": 2}


def test_a_policy_that_answers_none_leaves_it_to_the_core() -> None:
    _, desk = opened(Restock(None))
    assert desk.mark_returned("1001", by=ANNA).restock.needs_answer


def test_the_last_plugin_is_asked_first() -> None:
    shop, desk = opened(Restock(RestockDecision.all(), "one"), Restock(RestockDecision.by_hand(), "two"))
    assert desk.mark_returned("1001", by=ANNA).restock.state is StockState.BY_HAND
    assert shop.stock == {}


@pytest.mark.parametrize(
    "answer",
    [
        ValueError("the policy broke"),
        SystemExit(1),
        "all",
        RestockDecision.lines({"cup": 99}),
        RestockDecision.lines({"mug": 1}),
        asyncio.CancelledError(),
        Unshowable(),
        spoiled(RestockDecision.all(), kind="all"),
        spoiled(RestockDecision.all(), kind="everything"),
        spoiled(RestockDecision.lines({"cup": 1}), units=None),
        spoiled(RestockDecision.all("why"), because="half a character: \udcff"),
    ],
    ids=named,
)
def test_a_policy_that_fails_makes_us_ask_the_merchant(answer: object) -> None:
    shop, desk = opened(Restock(answer, "acme-policy"))
    outcome = desk.mark_returned("1001", by=ANNA)
    assert outcome.restock.needs_answer
    assert outcome.restock.question is not None
    assert outcome.restock.question.because
    assert desk.dossier("1001").version == outcome.version
    assert shop.stock == {}


@pytest.mark.parametrize(
    "answer",
    [
        asyncio.CancelledError(),
        Unshowable(),
        spoiled(Objection.refuse("x"), severity="refuse"),
        spoiled(Objection.refuse("x"), severity="never"),
        spoiled(Objection.refuse("x"), because=5),
        spoiled(Objection.refuse("x"), because="half a character: \udcff"),
    ],
    ids=named,
)
def test_a_return_policy_that_fails_wants_a_review_and_the_order_can_be_read_again(answer: object) -> None:
    class Policy:
        name = "acme-policy"

        @hookimpl
        def return_policy(self) -> object:
            if isinstance(answer, BaseException):
                raise answer
            return answer

    _, desk = opened(Policy())
    outcome = desk.request_return("1001", {"cup": 1}, by=ANNA, request_id="form-1")
    assert outcome.returns[0].goods is GoodsState.REQUESTED
    assert "acme-policy" in desk.timeline("1001")[-1].text("nl")


def test_the_merchant_sees_which_plugin_failed() -> None:
    _, desk = opened(Restock(ValueError("no network"), "acme-policy"))
    outcome = desk.mark_returned("1001", by=ANNA)
    assert "acme-policy" in str(outcome.restock.question and outcome.restock.question.because)
    assert "acme-policy" in desk.timeline("1001")[-1].text("nl")


def test_damaged_units_are_not_restocked_whatever_a_policy_says() -> None:
    from retour import Counted

    shop, desk = opened(Restock(RestockDecision.all()))
    desk.mark_returned("1001", [Counted(line_id="cup", damaged=2)], by=ANNA, request_id="form-1")
    assert shop.stock == {}


def test_a_policy_sees_tags_extent_and_who_does_it() -> None:
    seen: list[tuple[Returned, HookContext]] = []

    class NoUnderwear:
        @hookimpl
        def restock_policy(self, returned: Returned, ctx: HookContext) -> RestockDecision | None:
            seen.append((returned, ctx))
            if any(line.tags & {"hygiene"} for line in returned.lines):
                return RestockDecision.by_hand("Inspect hygiene articles first")
            return None

    _, desk = opened(NoUnderwear())
    outcome = desk.mark_returned("1001", by=ANNA)
    assert outcome.restock.by_hand == {"teapot": 1, "cup": 2}
    returned, ctx = seen[0]
    assert returned.extent is Extent.FULL
    assert (ctx.shop, ctx.by, ctx.event) == ("default", ANNA, "")


# --- announcing ------------------------------------------------------------------------------------------


class Listener:
    """Hears both announcements; fails as often as the test says."""

    def __init__(self, name: str, failures: int = 0, failure: BaseException | None = None) -> None:
        self.name = name
        self.failures = failures
        self.failure = failure or ConnectionError("not now")
        self.heard: list[tuple[str, str, str]] = []

    def _hear(self, *what: str) -> None:
        if self.failures:
            self.failures -= 1
            raise self.failure
        self.heard.append(what)  # type: ignore[arg-type]

    @hookimpl
    def on_order_returned(self, order: Order, returned: Returned, ctx: HookContext) -> None:
        self._hear("returned", returned.extent.value, ctx.event)

    @hookimpl
    def on_restocked(self, order: Order, restocked: Restocked, ctx: HookContext) -> None:
        self._hear("restocked", ",".join(f"{one.product}{one.quantity:+d}" for one in restocked.movements), ctx.event)


ONE = an_order(a_line("cup", 2))


def test_announcements_are_told_after_commit_once_per_receipt_with_their_extent() -> None:
    listener = Listener("listener")
    _, desk = opened(listener, order=ONE)
    desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="form-1")
    desk.mark_returned("1001", by=ANNA)
    desk.mark_returned("1001", by=ANNA)
    assert [what[:2] for what in listener.heard] == [
        ("returned", "part"),
        ("restocked", "cup+1"),
        ("returned", "full"),
        ("restocked", "cup+1"),
    ]
    assert len({what[2] for what in listener.heard}) == 4


@pytest.mark.parametrize("failure", [ConnectionError("not now"), SystemExit(2)])
def test_a_plugin_that_fails_is_told_again_alone_and_stops_nobody(
    failure: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "retour.plugins")
    broken, fine = Listener("broken", failures=1, failure=failure), Listener("fine")
    shop, desk = opened(broken, fine, order=ONE)
    outcome = desk.mark_returned("1001", by=ANNA)
    assert outcome.restock.state is StockState.APPLIED
    assert [what[0] for what in fine.heard] == ["returned", "restocked"]
    assert [what[0] for what in broken.heard] == ["restocked"]
    make_due(desk)
    assert desk.work().done == 1
    assert [what[0] for what in broken.heard] == ["restocked", "returned"]
    assert [what[0] for what in fine.heard] == ["returned", "restocked"]
    assert shop.stock == {"cup": 2}


def test_an_announcement_waits_for_a_plugin_that_is_gone(tmp_path: object) -> None:
    url = f"sqlite:///{tmp_path}/retour.db"
    shop, broken = MemoryShop([ONE]), Listener("crm", failures=2)
    ReturnDesk(shop=shop, store=url, plugins=[broken]).mark_returned("1001", by=ANNA)
    without = ReturnDesk(shop=shop, store=url)
    make_due(without)
    assert without.work().failed == 2
    back = ReturnDesk(shop=shop, store=url, plugins=[broken])
    make_due(back)
    assert back.work().done == 2
    assert sorted(what[0] for what in broken.heard) == ["restocked", "returned"]


def make_due(desk: ReturnDesk) -> None:
    """Let every pause of an effect be over."""
    with desk._services.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE retour_effect SET not_before = 0, lease_until = 0 WHERE state = 'waiting'")


# --- the specs themselves --------------------------------------------------------------------------------

HOOKS = [value for name, value in vars(specs).items() if hasattr(value, "retour_spec")]


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: str(hook.__name__))
def test_no_hook_has_keyword_only_arguments_which_pluggy_cannot_see(hook: Callable[..., object]) -> None:
    assert hook.__kwdefaults__ is None
    assert hook.__code__.co_kwonlyargcount == 0


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: str(hook.__name__))
def test_every_hook_says_its_kind_when_it_is_called_and_what_happens_if_it_raises(
    hook: Callable[..., object],
) -> None:
    for needed in ("**Kind**", "**Called**", "**Return**", "**If it", ">>> "):
        assert needed in str(hook.__doc__)


def test_there_are_exactly_the_hooks_that_the_docs_name() -> None:
    assert {hook.__name__ for hook in HOOKS} == {
        "payment_providers",
        "shipping_providers",
        "return_policy",
        "restock_policy",
        "refund_link",
        "refund_plan",
        "refund_approval",
        "on_return_requested",
        "on_return_approved",
        "on_return_closed",
        "on_order_returned",
        "on_order_status_changed",
        "on_return_received",
        "on_restocked",
        "on_refund_changed",
        "on_parcel_moved",
        "on_payment_disputed",
    }
