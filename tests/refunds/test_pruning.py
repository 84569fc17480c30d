"""Effects that were done long ago are deleted, some at a time and behind all else; nothing that is still needed is."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from retour import Actor, InvalidArgument, MemoryShop, Money, ReturnDesk
from retour.effects import pruning

ANNA = Actor.staff("anna")
DAY = datetime.timedelta(days=1)
SIGNED = {"Signature": "right"}


def effects(world: Any, where: str) -> int:
    query = f"SELECT count(*) FROM retour_effect WHERE {where}"  # noqa: S608 - the words are the test's
    with world.desk._services.store.engine.connect() as connection:
        number: int = connection.exec_driver_sql(query).scalar_one()
    return number


def work(world: Any) -> int:
    """All there is to do; gives how many effects were deleted."""
    pruned = 0
    while not (report := world.desk.work()).idle:
        pruned += report.pruned
    return pruned


def passes(world: Any, time: datetime.timedelta) -> None:
    """Time goes by, with nothing done meanwhile."""
    world.now += time


def test_what_was_done_longer_ago_than_it_is_kept_is_deleted(world: Any) -> None:
    world.open()
    world.refund()
    work(world)
    done = effects(world, "state = 'done'")
    assert done
    passes(world, pruning.USUALLY_KEPT - DAY)
    work(world)
    assert effects(world, "state = 'done'") >= done
    passes(world, 2 * DAY)
    assert work(world) == done
    assert world.states == ["succeeded"], "the refund is told by its events"
    assert world.desk.reconcile("1001").not_asked == ()


def test_how_long_is_the_hosts_to_say(world: Any) -> None:
    world.open()
    world.refund()
    work(world)
    done = effects(world, "state = 'done'")
    passes(world, pruning.SHORTEST_KEPT + DAY)
    kept = pruning.SHORTEST_KEPT
    desk = ReturnDesk(shop=world.shop, store=world.database, keep_done_effects=kept)
    try:
        while not (report := desk.work()).pruned:
            assert not report.idle
        assert report.pruned == done
    finally:
        desk.close()


def test_what_is_not_done_stays_however_old_it_is(world: Any) -> None:
    """A look at what succeeded waits for weeks, and what a person has to let go on for as long as he likes."""
    world.open(inline_seconds=0)
    world.desk.mark_returned("1001", by=ANNA)
    world.open_without_the_plugin()
    waiting = effects(world, "state = 'waiting'")
    with world.desk._services.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE retour_effect SET not_before = 0, created_at = 0")
    assert world.desk._services.pruning.prune(1000) == 0
    assert effects(world, "state = 'waiting'") == waiting > 0


def test_a_few_are_deleted_at_once_and_the_rest_by_the_next_call(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "AT_ONCE", 2)
    world.open()
    for _ in range(3):
        world.refund("10")
    work(world)
    done = effects(world, "state = 'done'")
    passes(world, pruning.USUALLY_KEPT + DAY)
    prune = world.desk._services.pruning.prune
    assert [prune(1000), prune(1), prune(1000)] == [2, 1, min(2, done - 3)]


def test_where_nothing_was_left_a_process_does_not_look_again_for_an_hour(world: Any) -> None:
    world.open()
    work(world)  # it looks for the first time
    world.refund()
    work(world)
    done = effects(world, "state = 'done'")
    passes(world, pruning.USUALLY_KEPT + DAY)
    assert work(world) == done
    with world.desk._services.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE retour_effect SET state = 'done', not_before = 0")
    assert world.desk._services.pruning.prune(1000) == 0
    passes(world, datetime.timedelta(hours=1))
    assert world.desk._services.pruning.prune(1000) > 0


def test_what_was_given_up_or_overtaken_before_it_was_done_is_deleted_too(world: Any) -> None:
    """It never ran; when it ended is when somebody said so."""
    world.open(inline_seconds=0)
    world.desk.mark_returned("1001", by=ANNA)
    work(world)
    world.refund()
    world.desk.cancel_refund("1001", world.refunds[0].id, by=ANNA)
    assert effects(world, "state = 'done' AND kind = 'send_refund'") == 1
    passes(world, pruning.USUALLY_KEPT + DAY)
    work(world)
    assert effects(world, "state = 'done' AND kind = 'send_refund'") == 0


def test_a_webhook_that_comes_again_while_it_is_kept_is_known(world: Any) -> None:
    world.open()
    made = world.ledger.add("p_1", Money.of("40", "EUR"))
    body = f"event:{made.reference}".encode()
    world.desk.receive_webhook("ledger", SIGNED, body)
    work(world)
    before = effects(world, "state IN ('done', 'waiting')")
    passes(world, pruning.SHORTEST_KEPT)
    world.desk.receive_webhook("ledger", SIGNED, body)
    assert effects(world, "state IN ('done', 'waiting')") == before


def test_a_webhook_that_comes_again_after_that_changes_nothing(world: Any) -> None:
    world.open()
    made = world.ledger.add("p_1", Money.of("40", "EUR"))
    body = f"event:{made.reference}".encode()
    world.desk.receive_webhook("ledger", SIGNED, body)
    work(world)
    passes(world, pruning.USUALLY_KEPT + DAY)
    work(world)
    before = world.desk.dossier("1001")
    world.desk.receive_webhook("ledger", SIGNED, body)
    work(world)
    assert world.desk.dossier("1001") == before


@pytest.mark.parametrize("given", [datetime.timedelta(days=29), datetime.timedelta(-1), 90, None])
def test_less_than_thirty_days_is_refused(given: Any) -> None:
    with pytest.raises(InvalidArgument, match="keep_done_effects"):
        ReturnDesk(shop=MemoryShop(), store="sqlite://", keep_done_effects=given)
