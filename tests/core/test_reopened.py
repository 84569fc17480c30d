"""Staff overrides a policy by name, tells the customer what to do, and lets a return that had ended go on."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator

import pytest

from retour import (
    Actor,
    GoodsState,
    InvalidArgument,
    MemoryShop,
    NotAllowed,
    Objection,
    RestockDecision,
    ReturnDesk,
    WrongState,
    hookimpl,
)
from retour.model.return_number import return_number
from retour.testing import a_line, an_order

ANNA = Actor.staff("anna")
CUSTOMER = Actor.customer("c-17")
NOW = datetime.datetime(2026, 11, 23, 12, 0, tzinfo=datetime.UTC)
TODAY = NOW.date()
DAY = datetime.timedelta(days=1)


class Policy:
    """A return_policy that answers what the test says."""

    name = "policy"
    answer: Objection | None = None

    @hookimpl
    def return_policy(self) -> Objection | None:
        return self.answer


class World:
    """A desk whose policy, clock and shop the test sets."""

    def __init__(self, make_desk: Callable[..., ReturnDesk]) -> None:
        self.policy, self.now = Policy(), NOW
        self.shop = MemoryShop([an_order(a_line("cup", 4), a_line("pot", 1))])
        self.desk = make_desk(shop=self.shop, plugins=[self.policy], clock=self.clock)

    def clock(self) -> datetime.datetime:
        self.now += datetime.timedelta(seconds=1)
        return self.now

    def asked(self, units: int = 2, form: str = "form-1", by: Actor = CUSTOMER) -> str:
        return self.desk.request_return("1001", {"cup": units}, by=by, request_id=form).return_id

    def goods(self, return_id: str) -> GoodsState:
        return self.desk.dossier("1001").return_(return_id).goods

    def told(self, audience: str = "staff", language: str = "en") -> list[str]:
        return [entry.text(language) for entry in self.desk.timeline("1001", audience)]


@pytest.fixture
def world(make_desk: Callable[..., ReturnDesk]) -> Iterator[World]:
    return World(make_desk)  # type: ignore[return-value]


# --- approving against a policy --------------------------------------------------------------------------


@pytest.mark.parametrize("objection", [Objection.refuse("Sale stays sold"), Objection.review("Sale stays sold")])
def test_an_approval_against_a_policy_says_who_and_against_what_to_staff_alone(
    world: World, objection: Objection
) -> None:
    world.policy.answer = objection
    one = world.asked(by=ANNA)
    world.desk.approve_return("1001", one, by=ANNA)
    approved = world.desk.timeline("1001")[-1]
    assert approved.by == ANNA
    assert approved.text("en") == "Return approved. A rule of the shop is overridden: Sale stays sold"
    assert approved.text("nl") == "Retour goedgekeurd. Een regel van de winkel is opzijgezet: Sale stays sold"
    assert world.told("customer")[-1] == "Return approved"
    assert "Sale stays sold" not in " ".join(world.told("customer"))


def test_an_objection_without_words_is_overridden_in_words(world: World) -> None:
    world.policy.answer = Objection.review("")
    world.desk.approve_return("1001", world.asked(), by=ANNA)
    assert world.told()[-1] == "Return approved. A rule of the shop is overridden: it gave no reason"


def test_an_approval_without_objections_overrides_nothing(world: World) -> None:
    world.asked()
    assert world.told()[-1] == "Return approved"


def test_staff_approves_what_a_policy_rejected_by_reopening_it(world: World) -> None:
    world.policy.answer = Objection.refuse("Sale stays sold")
    one = world.asked()
    with pytest.raises(WrongState, match=r"is rejected, so it cannot be approved\. Reopen it"):
        world.desk.approve_return("1001", one, by=ANNA)
    world.desk.reopen_return("1001", one, by=ANNA)
    assert world.goods(one) is GoodsState.REQUESTED
    assert world.desk.list_returns(waits_for="review").returns[0].return_id == one
    world.desk.approve_return("1001", one, by=ANNA, send_by=TODAY + DAY)
    assert world.goods(one) is GoodsState.APPROVED
    assert [text for text in world.told() if "overridden" in text] == [
        "Return approved, to be sent by 24 November 2026. A rule of the shop is overridden: Sale stays sold"
    ]


# --- what the customer is told to do ---------------------------------------------------------------------


def test_the_customer_reads_the_instructions_and_no_note(world: World) -> None:
    world.policy.answer = Objection.review("look")
    one = world.asked()
    world.desk.approve_return("1001", one, by=ANNA, instructions=" Use the old box. ", note="regular customer")
    for audience, note in (("staff", "regular customer"), ("customer", "")):
        entry = world.desk.timeline("1001", audience)[-1]
        assert (entry.instructions, entry.note) == ("Use the old box.", note)
        assert entry.text("nl").startswith("Retour goedgekeurd")


def test_instructions_are_kept_as_notes_are(tell_database: Callable[[datetime.datetime], None], world: World) -> None:
    one = world.asked()
    world.desk.approve_return("1001", one, by=ANNA, instructions="Dear Jan, use the old box.")
    with world.desk._services.store.engine.connect() as connection:
        bodies = connection.exec_driver_sql("SELECT body FROM retour_event").scalars().all()
    assert "Jan" not in "".join(bodies)
    world.now += 366 * DAY
    tell_database(world.now)
    world.desk.work()
    assert [entry.instructions for entry in world.desk.timeline("1001", "customer")] == [""] * 3


def test_an_approval_is_given_again_to_change_the_day_or_the_instructions(world: World) -> None:
    one = world.asked()
    world.desk.approve_return("1001", one, by=ANNA, send_by=TODAY, instructions="Use the old box.")
    again = world.desk.approve_return("1001", one, by=ANNA, send_by=TODAY, instructions="Use the old box. ")
    assert (again.changed, again.return_id) == (False, one)
    assert not world.desk.approve_return("1001", one, by=ANNA).changed
    later = world.desk.approve_return("1001", one, by=ANNA, send_by=TODAY + DAY)
    assert later.changed
    assert world.desk.dossier("1001").return_(one).send_by == TODAY + DAY
    world.desk.approve_return("1001", one, by=ANNA, instructions="Use any box.")
    assert world.desk.dossier("1001").return_(one).send_by == TODAY + DAY
    told = [entry.instructions for entry in world.desk.timeline("1001", "customer") if entry.instructions]
    assert told == ["Use the old box.", "Use any box."]
    world.now += DAY
    assert world.desk.work().expired == 0
    world.desk.mark_sent("1001", one, by=CUSTOMER)
    with pytest.raises(WrongState, match="is on its way, so it cannot be approved"):
        world.desk.approve_return("1001", one, by=ANNA, send_by=TODAY + 3 * DAY)


def test_a_last_day_that_has_passed_is_refused(world: World) -> None:
    one = world.asked()
    with pytest.raises(InvalidArgument, match="22 November 2026 has passed"):
        world.desk.approve_return("1001", one, by=ANNA, send_by=TODAY - DAY)
    world.desk.cancel_return("1001", one, by=CUSTOMER)
    with pytest.raises(InvalidArgument, match="Give today, 23 November 2026"):
        world.desk.reopen_return("1001", one, by=ANNA, send_by=TODAY - DAY)
    assert world.goods(one) is GoodsState.CANCELLED


# --- going on --------------------------------------------------------------------------------------------


def rejected(world: World) -> str:
    world.policy.answer = Objection.review("look")
    one = world.asked()
    world.desk.reject_return("1001", one, by=ANNA, because="no")
    return one


def cancelled(world: World) -> str:
    one = world.asked()
    world.desk.mark_sent("1001", one, by=CUSTOMER)
    world.desk.cancel_return("1001", one, by=CUSTOMER)
    return one


def expired(world: World) -> str:
    one = world.asked()
    world.desk.approve_return("1001", one, by=ANNA, send_by=TODAY)
    world.now += DAY
    assert world.desk.work().expired == 1
    return one


def closed(world: World) -> str:
    one = world.asked()
    world.desk.receive("1001", one, {"cup": 1}, by=ANNA, request_id="parcel")
    world.desk.answer_restock("1001", one, RestockDecision.by_hand(), by=ANNA)
    world.desk.close_return("1001", one, by=ANNA)
    return one


ENDS: list[tuple[Callable[[World], str], GoodsState]] = [
    (rejected, GoodsState.REQUESTED),
    (cancelled, GoodsState.IN_TRANSIT),
    (expired, GoodsState.APPROVED),
    (closed, GoodsState.PARTLY_RECEIVED),
]


@pytest.mark.parametrize("end, state", ENDS, ids=lambda one: getattr(one, "__name__", ""))
def test_a_return_that_had_ended_goes_on_where_it_was(
    world: World, end: Callable[[World], str], state: GoodsState
) -> None:
    one = end(world)
    ended = world.goods(one)
    world.desk.reopen_return("1001", one, by=ANNA, note="she phoned")
    assert world.goods(one) is state
    dossier = world.desk.dossier("1001")
    assert dossier.claimed() == {"cup": 2}
    assert dossier.return_(one).ended_from is None
    for audience in ("staff", "customer"):
        assert world.told(audience)[-1].startswith("Return reopened: ")
    assert world.desk.timeline("1001")[-1].note == "she phoned"
    assert world.desk.work().expired == 0, "a day that had passed is none any more"
    with pytest.raises(WrongState, match="so it needs no reopening"):
        world.desk.reopen_return("1001", one, by=ANNA)
    assert ended is not state


@pytest.mark.parametrize("end, _", ENDS, ids=lambda one: getattr(one, "__name__", ""))
def test_it_does_not_go_on_where_other_returns_have_its_units(
    world: World, end: Callable[[World], str], _: GoodsState
) -> None:
    one = end(world)
    kept = 1 if end is closed else 0
    world.policy.answer = None
    other = world.asked(4 - kept, form="form-2")
    before = world.desk.dossier("1001").version
    says = (
        rf"Of line cup .Cup. it would take {2 - kept}; still in no return: 0 of the 4 delivered\. "
        f"The others are in {return_number(other)}:"
    )
    with pytest.raises(WrongState, match=says):
        world.desk.reopen_return("1001", one, by=ANNA)
    assert world.desk.dossier("1001").version == before
    world.desk.cancel_return("1001", other, by=CUSTOMER)
    world.desk.reopen_return("1001", one, by=ANNA)
    assert world.desk.dossier("1001").claimed() == {"cup": 2}


def test_it_does_not_go_on_where_the_order_has_its_units_no_more(world: World) -> None:
    one = cancelled(world)
    world.shop.orders["1001"] = an_order(a_line("pot", 1))
    with pytest.raises(
        WrongState, match=r"Of line cup .cup. it would take 2; still in no return: 0 of the 0 delivered."
    ):
        world.desk.reopen_return("1001", one, by=ANNA)


def test_a_reopened_return_can_have_another_last_day(world: World) -> None:
    one = expired(world)
    world.desk.reopen_return("1001", one, by=ANNA, send_by=TODAY + 3 * DAY)
    assert world.told("customer", "nl")[-1] == "Retour heropend: goedgekeurd, te versturen uiterlijk 26 november 2026"
    assert world.desk.list_returns().returns[0].due == TODAY + 3 * DAY
    world.now += 4 * DAY
    assert world.desk.work().expired == 1
    world.desk.reopen_return("1001", one, by=ANNA)
    assert world.desk.list_returns().returns[0].due is None


def test_what_is_counted_after_it_went_on_is_counted_as_announced(world: World) -> None:
    one = closed(world)
    world.desk.reopen_return("1001", one, by=ANNA)
    world.desk.receive("1001", one, {"cup": 1}, by=ANNA, request_id="parcel-2")
    assert world.goods(one) is GoodsState.RECEIVED
    assert world.desk.dossier("1001").came_back() == {"cup": 2}


def test_a_return_that_began_with_a_wrong_count_is_not_reopened(world: World) -> None:
    counted = world.desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="form-1")
    assert counted.receipt_id is not None
    world.desk.correct_receipt("1001", counted.receipt_id, {"cup": 0}, by=ANNA)
    assert world.goods(counted.return_id) is GoodsState.CANCELLED
    with pytest.raises(
        WrongState, match=r"nothing was announced in return .* Set the order to Returned to count what comes"
    ):
        world.desk.reopen_return("1001", counted.return_id, by=ANNA)


def test_a_customer_reopens_and_approves_nothing(world: World) -> None:
    one = cancelled(world)
    for command in (world.desk.reopen_return, world.desk.approve_return):
        with pytest.raises(NotAllowed):
            command("1001", one, by=CUSTOMER)
    assert world.goods(one) is GoodsState.CANCELLED
