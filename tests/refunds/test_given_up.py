"""What does not get done is given up by a person, by name: what only asks or tells, and nothing that moves money."""

from __future__ import annotations

import datetime
import logging
from typing import Any

import pytest
from sqlalchemy import text

from retour import Actor, AttentionItem, Busy, NotAllowed, WrongState, hookimpl
from retour.effects.kinds import KINDS
from retour.model.background_work import WORK_WORDS
from retour.providers import ErrorCode, ProviderError, RefundStatus, Support

ANNA = Actor.staff("anna")
HOUR = datetime.timedelta(hours=1)
SIGNED = {"signature": "right"}


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "retour")


def refuse(world: Any, *calls: str, code: ErrorCode = ErrorCode.DISPUTED) -> None:
    """From now on the provider answers these calls with an error."""

    def watch(call: str, _: object) -> None:
        if call in calls:
            raise ProviderError(code, "look at it yourself")

    world.ledger.watch = watch


def for_days(world: Any) -> AttentionItem:
    """Time passes until what does not get done is for a person; gives what is listed then."""
    for _ in range(12):
        world.later(6 * HOUR)
    [item] = world.desk.attention("effect_stuck").items
    return item


def timeline(world: Any, language: str = "en") -> list[str]:
    return [entry.text(language) for entry in world.desk.timeline("1001")]


def waiting(world: Any, kind: str) -> int:
    engine = world.desk._services.store.engine
    with engine.connect() as connection:
        asked = text("SELECT count(*) FROM retour_effect WHERE state = 'waiting' AND kind = :kind")
        return int(connection.execute(asked, {"kind": kind}).scalar_one())


def test_every_kind_of_work_has_words_and_says_whether_it_may_be_given_up() -> None:
    assert set(WORK_WORDS) == set(KINDS)
    moves = {"book_stock", "apply_stock", "send_refund", "make_label"}
    assert {name for name, kind in KINDS.items() if not kind.may_give_up} == moves
    for words in WORK_WORDS.values():
        assert words.render("nl") != words.render("en")


def told_of_a_payment_that_is_never_shown(world: Any) -> AttentionItem:
    world.open()
    refuse(world, "refundable", "list_refunds")
    world.desk.receive_webhook("ledger", SIGNED, b"fetch:p_1")
    return for_days(world)


def test_a_question_that_is_never_answered_is_given_up_by_name(world: Any) -> None:
    item = told_of_a_payment_that_is_never_shown(world)
    assert item.can_do == ("acknowledge",)
    assert item.why.render("en").startswith("reading the refunds of a payment at the provider: ")
    assert world.desk.acknowledge("1001", item.kind, item.about, by=ANNA, note="I looked there").changed
    assert world.desk.attention().items == ()
    assert waiting(world, "reconcile") == 0
    [entry] = [one for one in world.desk.timeline("1001") if one.text("en").startswith("Given up: ")]
    assert entry.by == ANNA
    assert entry.note == "I looked there"
    assert "look at it yourself" in entry.text("nl")
    calls: list[str] = []
    world.ledger.watch = lambda call, _: calls.append(call)
    world.later(24 * HOUR)
    assert calls == []
    assert not world.desk.acknowledge("1001", item.kind, item.about, by=ANNA).changed, "the same twice"


def test_what_was_given_up_is_asked_again_when_the_provider_reports_anew(world: Any) -> None:
    item = told_of_a_payment_that_is_never_shown(world)
    world.desk.acknowledge("1001", item.kind, item.about, by=ANNA)
    world.now += 7 * 24 * HOUR
    world.ledger.watch = lambda _, __: None
    world.ledger.add("p_1", world.ledger.paid["p_1"])
    world.desk.receive_webhook("ledger", SIGNED, b"fetch:p_1")
    world.later(HOUR)
    assert world.states == ["succeeded"], "what was made at the provider is seen"


def test_only_staff_give_something_up(world: Any) -> None:
    item = told_of_a_payment_that_is_never_shown(world)
    for by in (Actor.customer("c"), Actor.system()):
        with pytest.raises(NotAllowed):
            world.desk.acknowledge("1001", item.kind, item.about, by=by)
    assert world.desk.attention().items == (item,)


def test_what_is_not_on_the_list_is_not_given_up(world: Any) -> None:
    world.open()
    refuse(world, "refundable", "list_refunds")
    world.desk.receive_webhook("ledger", SIGNED, b"fetch:p_1")
    engine = world.desk._services.store.engine
    with engine.connect() as connection:
        young = connection.execute(text("SELECT id FROM retour_effect WHERE kind = 'reconcile'")).scalar_one()
    for about in (young, "ef-none"):
        with pytest.raises(WrongState, match="Look at the list again"):
            world.desk.acknowledge("1001", "effect_stuck", about, by=ANNA)
    assert waiting(world, "reconcile") == 1


def test_what_a_worker_tries_at_this_moment_is_not_given_up(world: Any) -> None:
    item = told_of_a_payment_that_is_never_shown(world)
    engine = world.desk._services.store.engine
    taken = "UPDATE retour_effect SET owner = 'wk', lease_until = :far WHERE id = :id"
    with engine.begin() as connection:
        connection.execute(text(taken), {"far": 2**60, "id": item.about})
    with pytest.raises(Busy, match="being tried at this moment"):
        world.desk.acknowledge("1001", item.kind, item.about, by=ANNA)
    assert "Given up" not in str(timeline(world))


def test_a_refund_that_its_provider_shows_no_more_waits_for_a_persons_word(world: Any) -> None:
    world.open().ledger.new_status = RefundStatus.PENDING
    refund_id = world.refund().refund_id
    refuse(world, "fetch_refund", code=ErrorCode.UNKNOWN_PAYMENT)
    item = for_days(world)
    world.desk.acknowledge("1001", item.kind, item.about, by=ANNA)
    [unknown] = world.desk.attention().items
    assert (unknown.kind, unknown.about, unknown.can_do) == (
        "refund_unknown",
        refund_id,
        ("settle_refund", "confirm_refund"),
    )
    assert "somebody gave it up" in unknown.why.render("en")
    world.desk.settle_refund("1001", refund_id, happened=True, evidence="the statement", reference="re_1", by=ANNA)
    assert world.states == ["succeeded"]
    assert world.desk.attention().items == ()


def test_a_refund_that_could_not_be_cancelled_goes_on(world: Any) -> None:
    world.open(cancel_refund=Support.YES).ledger.new_status = RefundStatus.PENDING
    refund_id = world.refund().refund_id
    world.ledger.cancelling = [("lost before", ProviderError(ErrorCode.OUTCOME_UNKNOWN, "no answer"))] * 99
    world.desk.cancel_refund("1001", refund_id, by=ANNA)
    item = for_days(world)
    assert item.why.render("en").startswith("asking the provider to cancel a refund: ")
    world.desk.acknowledge("1001", item.kind, item.about, by=ANNA)
    refund = world.refunds[0]
    assert (refund.state, refund.cancelling) == ("pending", False)
    assert waiting(world, "fetch_refund") == 1, "and it is still looked at"


class Broken:
    """A plugin that is told of a refund, and breaks over it."""

    name = "broken"

    @hookimpl
    def on_refund_changed(self, order: Any, refund: Any, ctx: Any) -> None:
        raise RuntimeError("plug 42")


@pytest.mark.parametrize("gone", [False, True])
def test_a_plugin_that_is_never_told_is_told_no_more(world: Any, gone: bool) -> None:
    world.open(Broken()).refund()
    for _ in range(12):
        world.later(6 * HOUR)
    if gone:
        world.open_without_the_plugin()
    items = world.desk.attention("effect_stuck").items
    assert items
    for item in items:
        assert item.why.render("en").startswith("telling a plugin what happened: ")
        world.desk.acknowledge("1001", item.kind, item.about, by=ANNA)
    assert world.desk.attention("effect_stuck").items == ()
    assert waiting(world, "announce") == 0


@pytest.mark.parametrize("kind", ["send_refund", "book_stock"])
def test_what_moves_money_or_goods_is_mended_and_not_given_up(world: Any, kind: str) -> None:
    world.open(inline_seconds=0).refund()
    engine = world.desk._services.store.engine
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE retour_effect SET kind = :kind, problem = 'no', attempts = 30, created_at = 1"), {"kind": kind}
        )
    [item] = world.desk.attention("effect_stuck").items
    assert item.can_do == ()
    with pytest.raises(WrongState, match="not ended by acknowledging it"):
        world.desk.acknowledge("1001", item.kind, item.about, by=ANNA)
    assert world.desk.attention("effect_stuck").items == (item,)
