"""What the timeline tells of refunds: to whom, in whose words, by whom, and how we know."""

from __future__ import annotations

from typing import Any

from retour import Actor, Approval, HookContext, Money, Objection, Refund, hookimpl
from retour.providers import ErrorCode, ProviderError

ANNA, BUYER = Actor.staff("anna"), Actor.customer("c-17")


class Suspicious:
    """Policies as a shop has them, and one that breaks with a password in its hands."""

    name = "suspicious"

    @hookimpl
    def refund_approval(self) -> Approval:
        return Approval.hold("customer is on our fraud list")

    @hookimpl
    def return_policy(self) -> Objection:
        raise RuntimeError("cannot log in at db.example with password hunter2")


def test_a_customer_reads_no_word_of_a_policy_or_of_a_plugin_that_broke(world: Any) -> None:
    desk = world.open(Suspicious()).desk
    desk.request_return("1001", {"cup": 1}, by=BUYER, request_id="f1")
    world.refund("10.00")
    for language in ("en", "nl"):
        staff = " ".join(one.text(language) for one in desk.timeline("1001", "staff"))
        assert "fraud list" in staff
        assert "suspicious" in staff
        customer = " ".join(one.text(language) for one in desk.timeline("1001", "customer"))
        assert not [word for word in ("fraud", "hunter2", "suspicious", "RuntimeError", "plugin") if word in customer]
    assert desk.timeline("1001", "customer")[-1].text("en") == "The shop is looking at a refund of €10.00"
    assert world.ledger.calls == 0


def test_the_dutch_timeline_has_no_developers_english_in_it(world: Any) -> None:
    lost = ProviderError(ErrorCode.OUTCOME_UNKNOWN, "no answer from the provider (ConnectionError)")
    world.open().ledger.after = [lost]
    world.refund("10.00")
    said = world.desk.timeline("1001")[-1].text("nl").replace("\xa0", " ")
    assert said.startswith("Het is niet duidelijk of € 10,00 is terugbetaald")
    assert said.endswith(": de provider gaf geen antwoord")


def test_what_a_provider_says_is_by_the_provider_and_staff_reads_how_it_was_found(world: Any) -> None:
    world.open()
    world.refund("10.00")
    world.ledger.add("p_1", Money.of("5.00", "EUR"))
    world.desk.reconcile("1001")
    answered, found = world.desk.timeline("1001")[-2:]
    assert {one.by for one in (answered, found)} == {Actor.provider("ledger")}
    assert answered.text("en").endswith("(its answer says so)")
    assert found.text("en").endswith("(found when all its refunds were read)")
    for_customer = [one.text("en") for one in world.desk.timeline("1001", "customer")]
    assert for_customer[-2:] == ["€10.00 refunded, reference re_1", "€5.00 refunded, reference re_2"]


def test_a_signed_webhook_is_named_as_what_we_know_it_from(world: Any) -> None:
    world.open().ledger.add("p_1", Money.of("5.00", "EUR"))
    world.desk.receive_webhook("ledger", {"Signature": "right"}, b"event:re_1")
    assert world.desk.timeline("1001")[-1].text("en").endswith("(told by its webhook)")


def test_plugins_hear_of_a_providers_word_as_the_providers(world: Any) -> None:
    heard = []

    class Listening:
        name = "listening"

        @hookimpl
        def on_refund_changed(self, refund: Refund, ctx: HookContext) -> None:
            heard.append((refund.state.value, ctx.by))

    world.open(Listening())
    world.refund("10.00")
    assert heard == [("submitting", ANNA), ("succeeded", Actor.provider("ledger"))]


def test_a_refusal_of_a_provider_is_the_providers(world: Any) -> None:
    world.open().ledger.before = [ProviderError(ErrorCode.DISPUTED, "a case is open", http_status=422)]
    world.refund("10.00")
    last = world.desk.timeline("1001")[-1]
    assert (last.code, last.by) == ("refund_refused", Actor.provider("ledger"))
    assert "a case is open" in last.text("nl")
    assert "a case is open" not in " ".join(one.text("nl") for one in world.desk.timeline("1001", "customer"))


def test_a_timeline_asks_no_policy_and_each_payments_plugin_at_most_once(world: Any) -> None:
    asked = []

    class Bookkeeping:
        name = "bookkeeping"

        @hookimpl
        def refund_link(self) -> None:
            asked.append("refund_link")

    world.open(Bookkeeping()).ledger.watch = lambda call, _: asked.append(call)
    for number in range(3):
        one = Money.of("1", "EUR")
        world.desk.confirm_refund("1001", "p_1", one, reference=f"r{number}", by=ANNA, request_id=f"{number}")
    asked.clear()
    assert all(one.url for one in world.desk.timeline("1001") if one.code == "refund_confirmed")
    assert asked == ["refund_url"]
    world.desk.timeline("1001", "customer")
    assert asked == ["refund_url"]


def test_a_customer_reads_nothing_of_a_link_that_was_opened_and_given_up(world: Any) -> None:
    world.open()
    link = world.open_link("10.00").refund_id
    before = world.desk.timeline("1001", "customer")
    world.desk.cancel_refund("1001", link, by=ANNA)
    assert world.desk.timeline("1001", "customer") == before
    assert world.desk.timeline("1001")[-1].text("en") == "Refund of €10.00 cancelled"


def test_a_customer_who_read_that_a_refund_started_reads_that_the_shop_is_looking_at_it(world: Any) -> None:
    world.open().ledger.before = [ProviderError(ErrorCode.INSUFFICIENT_BALANCE, "top up")]
    world.refund("10.00")
    told = [one.text("en") for one in world.desk.timeline("1001", "customer")]
    assert told == ["Refund of €10.00 started", "The shop is looking at a refund of €10.00"]
