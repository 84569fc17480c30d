"""A webhook about a payment that nobody knows by that name: its provider is asked later what else it is called."""

from __future__ import annotations

import datetime
import threading
from typing import Any

import attrs
import pytest

from retour import Actor, Busy, GoodsState, Money
from retour.effects.whose_payment import MOST_TRIES, MOST_TRIES_OF_THE_SHOP
from retour.providers import ErrorCode, ProviderError, Support, ToFetch, WebhookTrust
from retour.store.clock import SECOND
from retour.store.unknown_names import BETWEEN_QUESTIONS, MOST_SIGNED, MOST_UNSIGNED, REMEMBERED
from retour.testing import a_line, a_payment, an_order

GENUINE = {"Signature": "right"}
ANNA = Actor.staff("anna")


@pytest.fixture
def asked(world: Any) -> list[str]:
    """What is asked of the provider. The shop stored the session ``s_1``, and webhooks name the payment ``p_1``."""
    calls: list[str] = []
    world.open(inline_seconds=0, payment_names=Support.YES)
    sold(world)
    world.ledger.called = {"s_1": "p_1"}
    world.ledger.watch = lambda call, _: calls.append(call)
    return calls


def sold(world: Any) -> None:
    order = an_order(a_line("cup", 4, "100.00"), payments=[a_payment("100.00", provider="ledger", reference="s_1")])
    world.shop.orders["1001"] = order


def open_to_hints(world: Any) -> None:
    world.open(inline_seconds=0, payment_names=Support.YES, webhooks=WebhookTrust.FETCH)
    sold(world)


def told(world: Any, body: str) -> Any:
    return world.desk.receive_webhook("ledger", GENUINE, body.encode())


def sql(world: Any, statement: str) -> Any:
    with world.desk._services.store.engine.begin() as connection:
        result = connection.exec_driver_sql(statement)
        return result.fetchall() if result.returns_rows else None


def pass_by(world: Any, microseconds: int) -> None:
    """Time passes for the desk and for the database."""
    world.now += datetime.timedelta(microseconds=microseconds)


def waiting(world: Any) -> int:
    return int(sql(world, "SELECT COUNT(*) FROM retour_unknown_name WHERE asked_at = 0")[0][0])


def work(world: Any) -> None:
    """A worker does all that is due."""
    while not world.desk.work().idle:
        pass


# --- found -----------------------------------------------------------------------------------------------


def test_what_a_signed_webhook_says_of_the_charge_counts_for_the_session_that_the_shop_stored(
    world: Any, asked: list[str]
) -> None:
    world.desk.mark_returned("1001", by=ANNA)
    made = world.ledger.add("p_1", Money.of("40", "EUR"))
    receipt = told(world, f"event:{made.reference}")
    assert (receipt.kept, receipt.unknown) == (0, 1)
    assert "payment_names" not in asked  # a webhook is answered at once
    work(world)
    assert asked.count("payment_names") == 1
    [option] = world.desk.refund_options("1001")
    assert (option.refunded, option.suggested) == (Money.of("40", "EUR"), Money.of("60", "EUR"))
    assert waiting(world) == 0
    made = world.ledger.add("p_1", Money.of("10", "EUR"))
    assert told(world, f"event:{made.reference}").kept == 1  # now the name is known
    work(world)
    assert asked.count("payment_names") == 1


def test_of_an_order_that_we_never_saw_the_shop_is_asked_by_each_name(world: Any, asked: list[str]) -> None:
    by_name: list[str] = []
    find = world.shop.find_order
    world.shop.find_order = lambda provider, name: by_name.append(name) or find(provider, name)
    made = world.ledger.add("p_1", Money.of("40", "EUR"))
    assert told(world, f"event:{made.reference}").unknown == 1
    work(world)
    assert by_name == ["p_1", "p_1", "s_1"]
    assert world.states == ["succeeded"]


def test_a_hint_about_a_payment_that_only_the_provider_knows_by_that_name_is_looked_up(
    world: Any, asked: list[str]
) -> None:
    del asked
    open_to_hints(world)
    world.ledger.add("p_1", Money.of("40", "EUR"))
    assert told(world, "fetch:p_1").unknown == 1
    work(world)
    assert world.states == ["succeeded"]
    timeline = [entry.text("en") for entry in world.desk.timeline("1001", audience="staff")]
    assert timeline.count("The provider knows payment s_1 (Ledger Pay) as p_1.") == 1


def test_what_is_told_twice_is_asked_about_once(world: Any, asked: list[str]) -> None:
    made = world.ledger.add("p_1", Money.of("40", "EUR"))
    for _ in range(20):
        told(world, f"event:{made.reference}")
    assert waiting(world) == 1
    work(world)
    assert asked.count("payment_names") == 1
    assert world.states == ["succeeded"]


# --- not found -------------------------------------------------------------------------------------------


def test_a_name_that_the_provider_does_not_know_is_remembered_for_an_hour(world: Any, asked: list[str]) -> None:
    open_to_hints(world)
    world.ledger.watch = lambda call, _: asked.append(call)
    for _ in range(3):
        told(world, "fetch:p_9")
        work(world)
        pass_by(world, BETWEEN_QUESTIONS)
    assert asked.count("payment_names") == 1
    assert told(world, "fetch:p_9").unknown == 0
    pass_by(world, REMEMBERED)
    assert told(world, "fetch:p_9").unknown == 1
    work(world)
    assert asked.count("payment_names") == 2


def test_the_shop_is_not_asked_about_names_that_the_provider_does_not_know(world: Any, asked: list[str]) -> None:
    del asked
    open_to_hints(world)
    by_name: list[str] = []
    world.shop.find_order = lambda _, name: by_name.append(name)
    told(world, "fetch:p_9")
    by_name.clear()  # it was asked once, when the webhook came
    work(world)
    assert by_name == []


def test_a_payment_of_another_system_is_not_asked_about_again(world: Any, asked: list[str]) -> None:
    world.ledger.paid["p_2"] = Money.of("5", "EUR")
    made = world.ledger.add("p_2", Money.of("5", "EUR"))
    told(world, f"event:{made.reference}")
    work(world)
    pass_by(world, 10 * BETWEEN_QUESTIONS)
    told(world, f"event:{made.reference}")
    work(world)
    assert asked.count("payment_names") == 1


# --- bounds ----------------------------------------------------------------------------------------------


def test_an_account_is_asked_at_most_ten_times_a_minute(world: Any, asked: list[str]) -> None:
    open_to_hints(world)
    world.ledger.watch = lambda call, _: asked.append(call)
    for number in range(30):
        told(world, f"fetch:x_{number}")
    for _ in range(12):  # a minute, and two questions more at its ends
        world.desk.work()
        world.desk.work()
        pass_by(world, 6 * SECOND - 1)
    assert asked.count("payment_names") <= 12
    assert asked.count("payment_names") >= 6


def test_hints_past_the_bound_are_answered_so_that_they_come_again_and_signed_ones_still_wait(
    world: Any, asked: list[str]
) -> None:
    del asked
    open_to_hints(world)
    world.desk.mark_returned("1001", by=ANNA)
    for number in range(MOST_UNSIGNED):
        told(world, f"fetch:x_{number}")
    with pytest.raises(Busy, match="503"):
        told(world, "fetch:one_more")
    assert told(world, "fetch:x_7").unknown == 1  # it waits already
    assert told(world, "fetch:s_1").kept == 1  # of a payment that we know nothing is put off
    world.open(inline_seconds=0, payment_names=Support.YES)
    sold(world)
    made = world.ledger.add("p_1", Money.of("40", "EUR"))
    assert told(world, f"event:{made.reference}").unknown == 1
    assert waiting(world) == MOST_UNSIGNED + 1
    assert MOST_SIGNED > MOST_UNSIGNED
    world.desk.work()
    assert waiting(world) == MOST_UNSIGNED  # the signed one first
    work(world)
    assert world.states == ["succeeded"]


def test_two_workers_ask_about_one_name_once(world: Any, asked: list[str]) -> None:
    made = world.ledger.add("p_1", Money.of("40", "EUR"))
    told(world, f"event:{made.reference}")
    threads = [threading.Thread(target=world.desk.work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert asked.count("payment_names") == 1
    work(world)
    assert world.states == ["succeeded"]


def test_a_webhook_that_names_a_payment_we_know_is_kept_whatever_its_other_names_are(
    world: Any, asked: list[str]
) -> None:
    """Two names of one payment, of which one is known: the other takes no place among those that nobody knows."""
    del asked
    world.desk.mark_returned("1001", by=ANNA)
    made = world.provider.make_provider

    def telling(ledger: Any, **capabilities: Any) -> type:
        kind: type = made(ledger, **capabilities)
        kind.parse_webhook = lambda *_: ToFetch(targets=("c_9", "s_1"))  # type: ignore[attr-defined]
        return kind

    world.provider.make_provider = telling
    open_to_hints(world)
    receipt = told(world, "fetch")
    assert (receipt.kept, receipt.unknown, waiting(world)) == (1, 0, 0)


# --- what fails on the way -------------------------------------------------------------------------------


def test_a_provider_that_is_away_is_asked_again_and_nothing_is_lost(world: Any, asked: list[str]) -> None:
    made = world.ledger.add("p_1", Money.of("40", "EUR"))
    told(world, f"event:{made.reference}")
    world.ledger.lookup_fails = 3
    for _ in range(5):
        work(world)
        pass_by(world, 24 * 3600 * SECOND)
    assert asked.count("payment_names") == 4
    assert world.states == ["succeeded"]


def test_a_provider_that_is_away_for_ever_is_given_up_and_said(world: Any, asked: list[str]) -> None:
    made = world.ledger.add("p_1", Money.of("40", "EUR"))
    told(world, f"event:{made.reference}")
    world.ledger.lookup_fails = 1000
    for _ in range(2 * MOST_TRIES):
        work(world)
        pass_by(world, 24 * 3600 * SECOND)
    assert asked.count("payment_names") == MOST_TRIES + 1
    assert waiting(world) == 0
    [problem] = world.desk._services.store.problems("default")
    assert "p_1" in problem.what


def test_without_the_plugin_it_waits_and_goes_on_when_it_is_there_again(world: Any, asked: list[str]) -> None:
    del asked
    made = world.ledger.add("p_1", Money.of("40", "EUR"))
    told(world, f"event:{made.reference}")
    world.open_without_the_plugin()
    work(world)
    assert waiting(world) == 1
    world.open(inline_seconds=0, payment_names=Support.YES)
    sold(world)
    pass_by(world, 24 * 3600 * SECOND)
    work(world)
    assert world.states == ["succeeded"]


def test_a_process_that_ends_while_it_asks_costs_some_minutes(world: Any, asked: list[str]) -> None:
    made = world.ledger.add("p_1", Money.of("40", "EUR"))
    told(world, f"event:{made.reference}")

    def stops(call: str, _: object) -> None:
        if call == "payment_names":
            raise KeyboardInterrupt

    world.ledger.watch = stops
    with pytest.raises(KeyboardInterrupt):
        work(world)
    assert waiting(world) == 1
    world.ledger.watch = lambda call, _: asked.append(call)
    pass_by(world, BETWEEN_QUESTIONS)
    work(world)
    assert "payment_names" not in asked  # it may be at it still
    pass_by(world, 300 * SECOND)
    work(world)
    assert world.states == ["succeeded"]


def test_a_shop_that_fails_over_it_is_asked_again(world: Any, asked: list[str]) -> None:
    del asked
    made = world.ledger.add("p_1", Money.of("40", "EUR"))
    told(world, f"event:{made.reference}")
    find = world.shop.find_order
    world.shop.find_order = lambda *_: 1 / 0
    work(world)
    assert waiting(world) == 1
    world.shop.find_order = find
    pass_by(world, 3600 * SECOND)
    work(world)
    assert world.states == ["succeeded"]


def test_what_waits_for_one_shop_is_asked_with_its_own_account(world: Any, asked: list[str]) -> None:
    other = attrs.evolve(a_payment("100.00", provider="ledger", reference="s_1"), account="second")
    world.shop.orders["1001"] = an_order(a_line("cup", 4, "100.00"), payments=[other])
    made = world.ledger.add("p_1", Money.of("40", "EUR"))
    told(world, f"event:{made.reference}")
    work(world)
    assert "1001" not in [row[0] for row in sql(world, "SELECT order_id FROM retour_event")]
    assert asked.count("payment_names") == 1


def test_a_provider_that_answers_nonsense_is_asked_again_later(world: Any, asked: list[str]) -> None:
    del asked
    made = world.ledger.add("p_1", Money.of("40", "EUR"))
    told(world, f"event:{made.reference}")

    def nonsense(call: str, _: object) -> None:
        if call == "payment_names":
            raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "no JSON")

    world.ledger.watch = nonsense
    work(world)
    assert waiting(world) == 1


# --- never answered --------------------------------------------------------------------------------------


def test_a_question_that_never_comes_to_an_end_is_asked_twice_as_late_each_time_and_given_up_in_the_end(
    world: Any, asked: list[str]
) -> None:
    """The process that asked it ended, each time; so nobody could put it off."""

    def ends(call: str, _: object) -> None:
        asked.append(call)
        raise KeyboardInterrupt

    told(world, "fetch:p_1")
    world.ledger.watch = ends
    waited = []
    for _ in range(4):
        with pytest.raises(KeyboardInterrupt):
            world.desk.work()
        (((not_before,),), now) = sql(world, "SELECT not_before FROM retour_unknown_name"), world.now
        waited.append(round(not_before / 1_000_000 - now.timestamp()))
        pass_by(world, (waited[-1] + 1) * SECOND)
    assert waited == [300, 600, 1200, 2400]
    sql(world, f"UPDATE retour_unknown_name SET tries = {MOST_TRIES + 1}")  # noqa: S608 - the test's own
    asked.clear()
    work(world)
    assert "payment_names" not in asked
    assert waiting(world) == 0
    (problem,) = world.desk.attention("webhook_unreadable").items
    assert "retour doctor" in str(problem.why)
    assert "p_1" in world.desk._services.store.problems("default")[0].what


def test_returns_expire_though_no_question_about_a_payment_ever_comes_to_an_end(world: Any, asked: list[str]) -> None:
    def ends(call: str, _: object) -> None:
        raise KeyboardInterrupt

    return_id = world.desk.request_return("1001", {"cup": 1}, by=ANNA, request_id="f").return_id
    world.desk.approve_return("1001", return_id, by=ANNA, send_by=world.now.date())
    work(world)
    told(world, "fetch:p_1")
    world.ledger.watch = ends
    world.now += datetime.timedelta(days=2)
    with pytest.raises(KeyboardInterrupt):
        world.desk.work()
    assert world.desk.dossier("1001").return_(return_id).goods is GoodsState.EXPIRED


def test_a_new_name_does_not_wait_for_those_that_were_put_off(world: Any, asked: list[str]) -> None:
    """The provider was away for a day, and what named payments then is put off for hours: it is back, and a signed
    webhook about another payment is asked about as soon as the pace of the account allows."""
    world.desk.mark_returned("1001", by=ANNA)
    world.ledger.paid["p_2"] = Money.of("5", "EUR")
    other = world.ledger.add("p_2", Money.of("5", "EUR"))
    told(world, f"event:{other.reference}")
    world.ledger.lookup_fails = 12
    while world.ledger.lookup_fails:
        work(world)
        pass_by(world, 6 * 3600 * SECOND)
    work(world)  # its account is looked at, and nothing of it is due
    world.ledger.lookup_fails = 0
    asked.clear()
    made = world.ledger.add("p_1", Money.of("40", "EUR"))
    told(world, f"event:{made.reference}")
    pass_by(world, BETWEEN_QUESTIONS)
    work(world)
    assert world.states == ["succeeded"]


def test_what_is_said_again_with_a_signature_is_asked_about_in_minutes_however_long_it_was_put_off(
    world: Any, asked: list[str]
) -> None:
    made = world.ledger.add("p_1", Money.of("40", "EUR"))
    told(world, f"event:{made.reference}")
    for _ in range(12):
        world.ledger.lookup_fails = 1
        work(world)
        pass_by(world, 6 * 3600 * SECOND)
    world.ledger.lookup_fails = 1
    work(world)  # put off for six hours once more
    asked.clear()
    told(world, f"event:{made.reference}")
    pass_by(world, 301 * SECOND)
    work(world)
    assert asked.count("payment_names") == 1
    assert world.states == ["succeeded"]


def test_what_anybody_hints_again_is_not_asked_about_sooner(world: Any, asked: list[str]) -> None:
    """Else whoever knows the address wears out the tries of a hint in minutes."""
    open_to_hints(world)
    world.ledger.watch = lambda call, _: asked.append(call)
    told(world, "fetch:p_9")
    world.ledger.lookup_fails = 1000
    for _ in range(8):
        work(world)
        pass_by(world, 6 * 3600 * SECOND)
    work(world)
    asked.clear()
    for _ in range(20):
        told(world, "fetch:p_9")
        pass_by(world, 300 * SECOND)
        work(world)
    assert asked.count("payment_names") == 0


def test_a_hint_that_is_signed_by_now_goes_before_those_that_anybody_sent(world: Any, asked: list[str]) -> None:
    """What waits unsigned, since its plugin declared so, takes the place of a signed one when it comes signed."""
    del asked
    open_to_hints(world)
    for number in range(3):
        told(world, f"fetch:x_{number}")
    world.ledger.add("p_1", Money.of("40", "EUR"))
    told(world, "fetch:p_1")
    world.open(inline_seconds=0, payment_names=Support.YES)
    sold(world)
    told(world, "fetch:p_1")
    assert [tuple(row) for row in sql(world, "SELECT signed, unsigned FROM retour_unknown_account")] == [(1, 3)]
    pass_by(world, BETWEEN_QUESTIONS)
    world.desk.work()
    world.desk.work()
    assert world.states == ["succeeded"]


# --- where the provider cannot be asked ------------------------------------------------------------------


def shop_that_knows_after(world: Any, asks: int) -> list[str]:
    """A shop that has stored the payment by the name of the webhook, and knows of it when it was asked so often."""
    order = an_order(a_line("cup", 4, "100.00"), payments=[a_payment("100.00", provider="ledger", reference="p_1")])
    world.shop.orders["1001"] = order
    by_name: list[str] = []

    def find(_: str, name: str) -> str | None:
        by_name.append(name)
        return "1001" if len(by_name) > asks else None

    world.shop.find_order = find
    return by_name


def test_what_was_signed_is_not_dropped_where_the_provider_cannot_tell_names_the_shop_is_asked_again(
    world: Any,
) -> None:
    world.open(inline_seconds=0)
    shop_that_knows_after(world, 3)
    made = world.ledger.add("p_1", Money.of("40", "EUR"))
    assert told(world, f"event:{made.reference}").unknown == 1
    for _ in range(4):
        work(world)
        pass_by(world, 600 * SECOND)
    assert world.states == ["succeeded"]
    assert waiting(world) == 0


def test_a_shop_that_never_knows_it_is_asked_some_times_and_no_more(world: Any) -> None:
    world.open(inline_seconds=0)
    by_name = shop_that_knows_after(world, 10_000)
    made = world.ledger.add("p_1", Money.of("40", "EUR"))
    told(world, f"event:{made.reference}")
    for _ in range(3 * MOST_TRIES_OF_THE_SHOP):
        work(world)
        pass_by(world, 600 * SECOND)
    assert len(by_name) == 1 + MOST_TRIES_OF_THE_SHOP
    assert waiting(world) == 0
    assert world.desk.attention().items == (), "a payment of another system is nothing to look at"


def test_a_hint_of_anybody_is_not_kept_where_only_the_shop_can_be_asked(world: Any) -> None:
    world.open(inline_seconds=0, webhooks=WebhookTrust.FETCH)
    by_name = shop_that_knows_after(world, 10_000)
    receipt = told(world, "fetch:p_9")
    assert (receipt.kept, receipt.unknown, waiting(world)) == (0, 0, 0)
    assert by_name == ["p_9"]
