"""The goods track from the request to the end, as a rule: who may do what, in which state, and what is kept of it."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence

import attrs
import pytest
from drafts import ACTORS, IN_WORDS, NOON, a_draft, news, refused, said_by, words
from goods_events import approved, asked, cancelled, closed, found, received, requested, sent
from label_events import moved, ordered, told, wanted_back

from retour import ActorKind, EvidenceFile, Objection, Order, ReturnReason
from retour.model.errors import InvalidArgument, InvalidLines, InvalidQuantity, NotAllowed, WrongState
from retour.model.events.event import Event
from retour.model.events.goods import (
    EvidenceAdded,
    ReturnApproved,
    ReturnCancelled,
    ReturnClosed,
    ReturnExpired,
    ReturnRejected,
    ReturnReopened,
    ReturnRequested,
    ReturnSent,
)
from retour.model.events.stock import RestockAsked
from retour.model.evidence import MOST_EVIDENCE
from retour.model.labels import ParcelState
from retour.model.return_reasons import DEFAULT_RETURN_REASONS
from retour.model.returns import RequestedLine
from retour.rules import requests
from retour.rules.draft import Draft
from retour.rules.requests import POLICY, Sent
from retour.testing import a_line, a_service, an_order

ORDER: Order = an_order(a_line("cup", 2, "40.00"), a_line("pot", 1, "30.00"), a_service())
TODAY = NOON.date()
DAY = datetime.timedelta(days=1)
PHOTO, BILL = EvidenceFile(reference="f1", name="a.jpg"), EvidenceFile(reference="f2", name="b.jpg")
CUSTOMER = ACTORS[ActorKind.CUSTOMER]

REQUESTED: list[Event] = [requested("rt", cup=2)]
APPROVED = [*REQUESTED, approved("rt")]
IN_TRANSIT = [*APPROVED, sent("rt", "3S1")]
PARTLY = [*APPROVED, received("rt", "rc", found("cup", 1))]
RECEIVED = [*APPROVED, received("rt", "rc", found("cup", 2))]
REJECTED = [*REQUESTED, ReturnRejected(return_id="rt", because="worn")]
CANCELLED = [*APPROVED, cancelled("rt")]
EXPIRED = [*APPROVED, ReturnExpired(return_id="rt")]
CLOSED = [*PARTLY, closed("rt")]
STATES = {
    "requested": REQUESTED,
    "approved": APPROVED,
    "on its way": IN_TRANSIT,
    "partly received": PARTLY,
    "received": RECEIVED,
    "rejected": REJECTED,
    "cancelled": CANCELLED,
    "expired": EXPIRED,
    "closed": CLOSED,
}


def approve(
    draft: Draft,
    send_by: datetime.date | None = None,
    instructions: str | None = None,
    note: str | None = None,
    was_told: str = "",
) -> None:
    requests.approve(
        draft,
        ORDER,
        "rt",
        send_by=send_by,
        instructions=instructions,
        note=note,
        today=TODAY,
        told={"nt-told": was_told}.__getitem__,
    )


def send(draft: Draft, note: str | None = None, /, **said: object) -> None:
    requests.send(draft, ORDER, "rt", Sent(**said), note, today=TODAY)  # type: ignore[arg-type]


def reopen(draft: Draft, send_by: datetime.date | None = None, note: str | None = None) -> None:
    requests.reopen(draft, ORDER, "rt", send_by, note, today=TODAY)


STEPS: dict[str, Callable[[Draft], object]] = {
    "approved": approve,
    "rejected": lambda draft: requests.reject(draft, ORDER, "rt", "worn", None),
    "on its way": send,
    "cancelled": lambda draft: requests.cancel(draft, ORDER, "rt", None),
    "closed": lambda draft: requests.close(draft, ORDER, "rt", None),
    "reopened": reopen,
}


# --- who may ----------------------------------------------------------------------------------------------


def ask(draft: Draft, *objections: Objection, note: str | None = None, files: Sequence[EvidenceFile] = ()) -> None:
    requests.request(draft, ORDER, "rt", asked({"cup": 1}), (), objections, files, note)


def add(draft: Draft, *files: EvidenceFile, note: str | None = None) -> None:
    requests.add_evidence(draft, ORDER, "rt", files, note)


@pytest.mark.parametrize("kind", ActorKind)
@pytest.mark.parametrize(
    "known, step, may, refusal",
    [
        ([], ask, "customer staff", "may not request a return; the customer and staff may."),
        (
            REQUESTED,
            lambda draft: add(draft, PHOTO),
            "customer staff",
            "may not add files to a return; the customer and staff may.",
        ),
        (REQUESTED, STEPS["approved"], "staff system", "may not approve a return; staff may."),
        (REQUESTED, STEPS["rejected"], "staff system", "may not reject a return; staff may."),
        (APPROVED, STEPS["on its way"], "customer staff provider system", ""),
        (APPROVED, STEPS["cancelled"], "customer staff", "may not cancel a return; the customer and staff may."),
        (RECEIVED, STEPS["closed"], "staff system", "may not close a return; staff may."),
        (CANCELLED, STEPS["reopened"], "staff", "may not reopen a return; staff may."),
    ],
)
def test_each_step_is_for_who_may_take_it(
    known: Sequence[Event], step: Callable[[Draft], object], may: str, refusal: str, kind: ActorKind
) -> None:
    draft = a_draft(ORDER, *known, by=ACTORS[kind])
    if kind.value in may.split():
        step(draft)
        assert said_by(draft)[0] == ACTORS[kind]
    else:
        with refused(NotAllowed, f"Order 1001: {IN_WORDS[kind]} {refusal}"):
            step(draft)


# --- in which state ---------------------------------------------------------------------------------------

FROM = {
    "approved": "requested, approved",
    "rejected": "requested",
    "on its way": "approved, on its way",
    "cancelled": "requested, approved, on its way",
    "closed": "partly received, received",
    "reopened": "rejected, cancelled, expired, closed",
}
ANEW = "Reopen it to let it go on, or let the customer request a new one."
INSTEAD = {
    "requested": ("It can be approved, rejected or cancelled.", "approve_return, reject_return or cancel_return"),
    "approved": (
        "Say that it was sent when it is on its way, count it when it is here, or cancel it when it will not come.",
        "mark_sent, receive or cancel_return",
    ),
    "rejected": ("Reopen it; then it can be approved.", "reopen_return, then approve_return"),
    "on its way": ("Count it when it is here, or cancel it when it will not come.", "receive or cancel_return"),
    "partly received": (
        "Count what else comes, close it when nothing more does, or correct the receipt that was counted wrong.",
        "receive, close_return or correct_receipt",
    ),
    "received": (
        "It can be closed; correct the receipt that was counted wrong.",
        "close_return or correct_receipt",
    ),
    "cancelled": (ANEW, "reopen_return"),
    "expired": (ANEW, "reopen_return"),
    "closed": (
        "Correct the receipt that was counted wrong, or reopen it when more is to come.",
        "correct_receipt or reopen_return",
    ),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("step", STEPS)
def test_a_step_follows_from_some_states_and_from_others_it_says_what_can_be_done(step: str, state: str) -> None:
    draft = a_draft(ORDER, *STATES[state])
    if state in FROM[step].split(", "):
        STEPS[step](draft)
        return
    cannot = "needs no reopening" if step == "reopened" else f"cannot be {step}"
    why = f"is {state} already." if step == state else f"is {state}, so it {cannot}."
    instead, in_code = INSTEAD[state]
    with refused(WrongState, f"Order 1001: return rt {why} {instead}", in_code=in_code):
        STEPS[step](draft)


# --- what is asked ----------------------------------------------------------------------------------------


def test_a_request_names_goods_of_the_order_once_each_in_units_that_are_in_no_return() -> None:
    dossier = a_draft(ORDER, requested("other", cup=1)).dossier
    assert requests.requested_lines(dossier, ORDER, asked({"cup": 1, "pot": 1})) == asked({"cup": 1, "pot": 1})
    with refused(
        InvalidQuantity,
        "Order 1001, line cup (Cup): 1 unit can still come back, so 2 is too many. Of 2 delivered: 1 announced on "
        "return other, 1 in no return. What is announced is free again when its return is cancelled, approved or not.",
        in_code="cancel_return",
    ):
        requests.requested_lines(dossier, ORDER, asked({"pot": 1, "cup": 2}))
    with refused(InvalidLines, "Order 1001: line pot is named twice. Put all its units in one entry."):
        requests.requested_lines(dossier, ORDER, (*asked({"pot": 1}), *asked({"pot": 1})))
    nothing = attrs.evolve(asked({"pot": 1})[0])
    object.__setattr__(nothing, "quantity", 0)
    with refused(
        InvalidQuantity,
        "Order 1001, line pot: 0 is not a number of units. Use a whole number from 1 to 1000000000.",
    ):
        requests.requested_lines(dossier, ORDER, (nothing,))


SMALL, BROKEN = (ReturnReason(code=one, words={"en": one}) for one in ("small", "broken"))


def lines(*whys: str) -> tuple[RequestedLine, ...]:
    return tuple(
        [RequestedLine(line_id=f"line-{number}", quantity=1, reason=why) for number, why in enumerate(whys, 1)]
    )


@pytest.mark.parametrize(
    "whys, offered, chosen",
    [
        (["small"], (SMALL, BROKEN), (SMALL,)),
        (["broken", "small", "broken"], (SMALL, BROKEN), (BROKEN, SMALL)),
        (["", "small"], (SMALL, BROKEN), (SMALL,)),
        ([], (SMALL, BROKEN), ()),
        (["damaged_on_arrival"], None, (DEFAULT_RETURN_REASONS[5],)),
        (["my cat did not like it", "other"], None, (DEFAULT_RETURN_REASONS[12],)),
        ([""], (), ()),
    ],
)
def test_the_reasons_of_a_request_are_those_of_the_shops_list_each_once(
    whys: Sequence[str], offered: tuple[ReturnReason, ...] | None, chosen: tuple[ReturnReason, ...]
) -> None:
    assert requests.chosen_reasons(ORDER, lines(*whys), offered) == chosen


@pytest.mark.parametrize("offered, listed", [((SMALL, BROKEN), "small, broken"), ((), "none")])
def test_a_reason_that_is_not_on_the_shops_own_list_is_refused_with_the_list(
    offered: tuple[ReturnReason, ...], listed: str
) -> None:
    with refused(
        InvalidArgument,
        f"Order 1001, line line-2: ugly is no reason of this shop's list. Its reasons: {listed}.",
    ):
        requests.chosen_reasons(ORDER, lines("", "ugly"), offered)


REVIEW, REFUSE, ALSO = Objection.review("a note"), Objection.refuse("too late"), Objection.refuse("worn")


def announced(*objections: Objection, **more: object) -> ReturnRequested:
    return ReturnRequested(return_id="rt", lines=asked({"cup": 1}), objections=objections, **more)  # type: ignore[arg-type]


REJECTED_BY_POLICY = ReturnRejected(return_id="rt", because="too late")


@pytest.mark.parametrize(
    "objections, by, expected",
    [
        ([], ActorKind.CUSTOMER, [announced(), ReturnApproved(return_id="rt")]),
        ([], ActorKind.STAFF, [announced(), ReturnApproved(return_id="rt")]),
        ([REVIEW], ActorKind.CUSTOMER, [announced(REVIEW)]),
        ([REFUSE], ActorKind.CUSTOMER, [announced(REFUSE), REJECTED_BY_POLICY]),
        ([REFUSE], ActorKind.STAFF, [announced(REFUSE)]),
        ([REVIEW, REFUSE, ALSO], ActorKind.CUSTOMER, [announced(REFUSE, ALSO, REVIEW), REJECTED_BY_POLICY]),
        ([REVIEW, REFUSE], ActorKind.STAFF, [announced(REFUSE, REVIEW)]),
    ],
)
def test_a_request_is_approved_without_objections_and_rejected_for_the_first_that_is_strictest(
    objections: Sequence[Objection], by: ActorKind, expected: Sequence[Event]
) -> None:
    draft = a_draft(ORDER, by=ACTORS[by])
    ask(draft, *objections)
    assert news(draft) == expected
    assert said_by(draft) == [ACTORS[by], *[POLICY] * (len(expected) - 1)]


def test_a_refusal_without_words_rejects_without_words() -> None:
    draft = a_draft(ORDER, by=CUSTOMER)
    silent = attrs.evolve(REFUSE, because=None)
    ask(draft, silent)
    assert news(draft) == [announced(silent), ReturnRejected(return_id="rt", because="")]


def test_the_reasons_files_and_note_of_a_request_are_kept() -> None:
    draft = a_draft(ORDER, by=CUSTOMER)
    requests.request(draft, ORDER, "rt", asked({"cup": 1}), (SMALL,), (), [PHOTO, BILL], "it leaks")
    assert news(draft)[0] == announced(reasons=(SMALL,), evidence_ids=("ev-1", "ev-2"), note_id="nt-1")
    assert words(draft, "nt-1") == "it leaks"
    assert "f2" in str(words(draft, "ev-2"))


# --- files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", STATES.values())
def test_files_are_added_to_a_return_whatever_became_of_it(known: Sequence[Event]) -> None:
    draft = a_draft(ORDER, *known)
    add(draft, PHOTO, BILL, note="see here")
    assert news(draft) == [EvidenceAdded(return_id="rt", evidence_ids=("ev-1", "ev-2"), note_id="nt-1")]
    assert words(draft, "nt-1") == "see here"


def test_no_file_at_all_is_none_to_add() -> None:
    draft = a_draft(ORDER, *REQUESTED)
    with refused(InvalidArgument, "Order 1001: the list of files is empty. Name at least one."):
        add(draft)


def files(number: int) -> tuple[str, ...]:
    return tuple([f"ev-old-{one}" for one in range(number)])


def test_a_return_has_fifty_files_at_most() -> None:
    almost = [*APPROVED, EvidenceAdded(return_id="rt", evidence_ids=files(MOST_EVIDENCE - 1))]
    too_many = f"Order 1001: a return has at most {MOST_EVIDENCE} files, and these make {MOST_EVIDENCE + 1}."
    for one in (lambda draft: add(draft, PHOTO), lambda draft: send(draft, proof=PHOTO)):
        one(a_draft(ORDER, *almost))
        with refused(InvalidArgument, too_many):
            one(a_draft(ORDER, *almost, EvidenceAdded(return_id="rt", evidence_ids=("ev-last",))))
    with refused(InvalidArgument, too_many):
        add(a_draft(ORDER, *almost), PHOTO, BILL)


# --- deciding about it ------------------------------------------------------------------------------------


def test_an_approval_names_the_objections_it_is_against_its_last_day_and_what_the_customer_is_told() -> None:
    draft = a_draft(ORDER, requested("rt", REFUSE, REVIEW, cup=1))
    approve(draft, TODAY, "  Bring it to the shop ", "be kind")
    assert news(draft) == [approved("rt", TODAY, overrides=(REFUSE, REVIEW), instructions_id="nt-1", note_id="nt-2")]
    assert (words(draft, "nt-1"), words(draft, "nt-2")) == ("Bring it to the shop", "be kind")


TOLD = approved("rt", TODAY, instructions_id="nt-told")


@pytest.mark.parametrize(
    "again, expected",
    [
        ({}, []),
        ({"send_by": TODAY}, []),
        ({"instructions": " Bring it ", "note": "  "}, []),
        ({"instructions": "  "}, []),
        ({"send_by": TODAY + DAY}, [approved("rt", TODAY + DAY)]),
        ({"instructions": "Post it"}, [approved("rt", TODAY, instructions_id="nt-1")]),
        ({"note": "again"}, [approved("rt", TODAY, note_id="nt-1")]),
        ({"send_by": TODAY + DAY, "instructions": "Bring it"}, [approved("rt", TODAY + DAY)]),
    ],
)
def test_an_approval_is_given_again_only_where_something_changes(
    again: dict[str, object], expected: Sequence[Event]
) -> None:
    """And what it is against was said the first time."""
    draft = a_draft(ORDER, requested("rt", REVIEW, cup=1), TOLD)
    approve(draft, was_told="Bring it", **again)  # type: ignore[arg-type]
    assert news(draft) == expected


def test_instructions_are_given_to_who_had_none() -> None:
    draft = a_draft(ORDER, *APPROVED)
    approve(draft, instructions="Bring it")
    assert news(draft) == [approved("rt", instructions_id="nt-1")]


def test_a_return_is_approved_though_its_customer_was_told_the_same_before_it_was_rejected() -> None:
    reopened = [TOLD, cancelled("rt"), ReturnReopened(return_id="rt")]
    draft = a_draft(ORDER, *REQUESTED, *reopened)
    approve(draft, send_by=TODAY)
    assert news(draft) == [approved("rt", TODAY)]


PASSED = (
    "Order 1001: 22 November 2026 has passed, so the goods cannot be sent by then. Give today, 23 November 2026, "
    "or a later day."
)


@pytest.mark.parametrize("known, step", [(REQUESTED, approve), (CANCELLED, reopen)])
def test_a_last_day_is_today_or_later(known: Sequence[Event], step: Callable[..., None]) -> None:
    step(a_draft(ORDER, *known), TODAY)
    with refused(InvalidArgument, PASSED):
        step(a_draft(ORDER, *known), TODAY - DAY)


def test_a_return_is_rejected_for_a_reason_and_its_labels_are_taken_back() -> None:
    draft = a_draft(ORDER, *REQUESTED, ordered("lb"), told("lb"))
    requests.reject(draft, ORDER, "rt", "  It was worn ", "kindly")
    assert news(draft) == [ReturnRejected(return_id="rt", because="It was worn", note_id="nt-1"), wanted_back("lb")]
    assert words(draft, "nt-1") == "kindly"


@pytest.mark.parametrize("nothing", ["", " \n"])
def test_nobody_is_rejected_without_a_reason(nothing: str) -> None:
    with refused(InvalidArgument, "Order 1001: say why the return is rejected; the customer reads it."):
        requests.reject(a_draft(ORDER, *REQUESTED), ORDER, "rt", nothing, None)


# --- on its way -------------------------------------------------------------------------------------------


def test_all_that_is_said_of_a_parcel_is_kept() -> None:
    draft = a_draft(ORDER, *APPROVED)
    send(draft, "at the desk", tracking="3S1", carrier=" PostNL ", on=TODAY, proof=PHOTO)
    assert news(draft) == [
        ReturnSent(
            return_id="rt", tracking="3S1", carrier="PostNL", sent_on=TODAY, evidence_ids=("ev-1",), note_id="nt-1"
        )
    ]
    assert words(draft, "nt-1") == "at the desk"


SAID = ReturnSent(return_id="rt", tracking="3S1", carrier="PostNL", sent_on=TODAY - DAY)


@pytest.mark.parametrize(
    "again, note, is_news",
    [
        ({}, None, False),
        ({"tracking": "3S1", "carrier": " PostNL ", "on": TODAY - DAY}, None, False),
        ({"carrier": "  "}, " ", False),
        ({"tracking": "3S2"}, None, True),
        ({"carrier": "DHL"}, None, True),
        ({"on": TODAY}, None, True),
        ({"proof": PHOTO}, None, True),
        ({}, "at the desk", True),
    ],
)
def test_what_is_said_again_of_a_parcel_changes_what_is_new_and_takes_nothing_away(
    again: dict[str, object], note: str | None, is_news: bool
) -> None:
    draft = a_draft(ORDER, *APPROVED, SAID)
    send(draft, note, **again)
    assert len(news(draft)) == is_news
    now = draft.dossier.return_("rt")
    assert (now.tracking, now.carrier, now.sent_on) == (
        again.get("tracking", "3S1"),
        str(again.get("carrier", "")).strip() or "PostNL",
        again.get("on", TODAY - DAY),
    )


def test_nothing_was_sent_on_a_day_that_is_still_to_come() -> None:
    send(a_draft(ORDER, *APPROVED), on=TODAY)
    with refused(
        InvalidArgument,
        "Order 1001: 24 November 2026 is still to come. Say on which day the parcel was sent: today, 23 November 2026, "
        "or before.",
    ):
        send(a_draft(ORDER, *APPROVED), on=TODAY + DAY)


# --- its end ----------------------------------------------------------------------------------------------


def test_a_return_that_is_cancelled_takes_its_labels_with_it() -> None:
    draft = a_draft(ORDER, *APPROVED, ordered("lb"), told("lb"), by=CUSTOMER)
    requests.cancel(draft, ORDER, "rt", "I keep it")
    assert news(draft) == [ReturnCancelled(return_id="rt", note_id="nt-1"), wanted_back("lb")]
    assert words(draft, "nt-1") == "I keep it"


USED = [ordered("lb"), told("lb"), moved("lb")]


@pytest.mark.parametrize(
    "known, expires",
    [
        ([*REQUESTED, approved("rt", TODAY - DAY)], True),
        ([*REQUESTED, approved("rt", TODAY)], False),
        ([*REQUESTED, approved("rt", TODAY + DAY)], False),
        (APPROVED, False),
        ([*REQUESTED, approved("rt", TODAY - DAY), *USED], False),
        ([*REQUESTED, approved("rt", TODAY - DAY), *USED[:2]], True),
        ([*REQUESTED, approved("rt", TODAY - DAY), *USED[:2], moved("lb", ParcelState.PROBLEM)], True),
        ([*REQUESTED, approved("rt", TODAY - DAY), sent("rt")], False),
        ([*REQUESTED, approved("rt", TODAY - DAY), cancelled("rt")], False),
    ],
)
def test_an_approved_return_expires_after_its_last_day_unless_a_carrier_has_its_parcel(
    known: Sequence[Event], expires: bool
) -> None:
    draft = a_draft(ORDER, *known)
    assert requests.expire(draft, "rt", TODAY) is expires
    assert news(draft) == [ReturnExpired(return_id="rt")] * expires


@pytest.mark.parametrize("known, uncounted", [(PARTLY, True), (RECEIVED, False)])
def test_a_return_that_is_closed_says_whether_all_of_it_was_counted(known: Sequence[Event], uncounted: bool) -> None:
    draft = a_draft(ORDER, *known)
    requests.close(draft, ORDER, "rt", "enough")
    assert news(draft) == [ReturnClosed(return_id="rt", note_id="nt-1", uncounted=uncounted)]
    assert words(draft, "nt-1") == "enough"


def test_a_return_that_waits_for_an_answer_about_the_stock_is_not_closed() -> None:
    draft = a_draft(ORDER, *RECEIVED, RestockAsked(return_id="rt"))
    with refused(WrongState, "Order 1001: return rt still waits for an answer about the stock. Answer that first."):
        requests.close(draft, ORDER, "rt", None)


# --- going on ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "had, given, has",
    [
        (None, None, None),
        (TODAY - DAY, None, None),
        (TODAY, None, TODAY),
        (TODAY + DAY, None, TODAY + DAY),
        (TODAY + DAY, TODAY, TODAY),
        (TODAY - DAY, TODAY, TODAY),
        (None, TODAY, TODAY),
    ],
)
def test_a_return_that_goes_on_keeps_its_last_day_unless_that_has_passed_or_another_is_given(
    had: datetime.date | None, given: datetime.date | None, has: datetime.date | None
) -> None:
    draft = a_draft(ORDER, *REQUESTED, approved("rt", had), cancelled("rt"))
    reopen(draft, given, "she called")
    assert news(draft) == [ReturnReopened(return_id="rt", send_by=has, note_id="nt-1")]
    assert words(draft, "nt-1") == "she called"


def test_a_return_of_which_nothing_was_announced_goes_on_only_where_something_came() -> None:
    began = [received("rt", "rc", found("cup", 1)), closed("rt")]
    reopen(a_draft(ORDER, *began))
    nothing = [received("rt", "rc", found("cup", surplus=1)), closed("rt")]
    with refused(
        WrongState,
        "Order 1001: nothing was announced in return rt, and nothing of it came. Set the order to Returned to count "
        "what comes.",
        in_code="mark_returned('1001', ...)",
    ):
        reopen(a_draft(ORDER, *nothing))


CLOSED_WITH_ONE = [*REQUESTED, approved("rt"), received("rt", "rc", found("cup", 1)), closed("rt")]


def taking(more: int, left: int, fulfilled: int = 2) -> str:
    return (
        f"Order 1001: return rt cannot go on. Of line cup (Cup) it would take {more}; still in no return: {left} of "
        f"the {fulfilled} delivered."
    )


def others(*names: str) -> str:
    return (
        f" The others are in {', '.join(names)}: cancel the one that is not to come, or close the one of which no more "
        "comes."
    )


@pytest.mark.parametrize(
    "known, sentence",
    [
        (CANCELLED, ""),
        (REJECTED, ""),
        (CLOSED_WITH_ONE, ""),
        ([*CANCELLED, requested("new", pot=1)], ""),
        ([*CANCELLED, requested("new", cup=1)], taking(2, 1) + others("new")),
        ([*CANCELLED, requested("new", cup=1), requested("more", cup=1)], taking(2, 0) + others("new", "more")),
        ([*CANCELLED, requested("new", cup=1), cancelled("new")], ""),
        ([*CLOSED_WITH_ONE, requested("new", cup=1)], taking(1, 0) + others("new")),
        ([requested("rt", cup=1), cancelled("rt"), requested("new", cup=1)], ""),
        ([*CANCELLED, requested("other", pot=1), requested("new", cup=2)], taking(2, 0) + others("new")),
    ],
)
def test_a_return_goes_on_where_its_units_are_in_no_other(known: Sequence[Event], sentence: str) -> None:
    draft = a_draft(ORDER, *known)
    if not sentence:
        reopen(draft)
        assert len(news(draft)) == 1
        return
    with refused(WrongState, sentence, in_code="cancel_return or close_return"):
        reopen(draft)


def going_on_with(order: Order, *known: Event) -> Draft:
    draft = a_draft(ORDER, *known)
    draft.see(order)
    requests.reopen(draft, order, "rt", None, None, today=TODAY)
    return draft


def test_a_return_goes_on_where_the_order_still_has_its_units() -> None:
    fewer = an_order(a_line("cup", 2, "40.00", fulfilled=1), a_line("pot", 1, "30.00"), a_service())
    with refused(WrongState, taking(2, 1, fulfilled=1)):
        going_on_with(fewer, *CANCELLED)
    gone = an_order(a_line("pot", 1, "30.00"), a_service())
    with refused(WrongState, taking(2, 0, fulfilled=0).replace("(Cup)", "(cup)")):
        going_on_with(gone, *CANCELLED)
    assert len(news(going_on_with(gone, requested("rt", pot=1), cancelled("rt")))) == 2


def test_a_line_that_has_no_name_is_called_by_its_product() -> None:
    nameless = attrs.evolve(a_line("cup", 1, "40.00", product="mug"), name="")
    with refused(WrongState, taking(2, 1, fulfilled=1).replace("(Cup)", "(mug)")):
        going_on_with(an_order(nameless), *CANCELLED)


def test_where_more_is_counted_than_the_order_has_now_nothing_is_left() -> None:
    known = [*CLOSED_WITH_ONE, received("other", "rc2", found("cup", 1))]
    fewer = an_order(a_line("cup", 2, "40.00", fulfilled=1), a_line("pot", 1, "30.00"), a_service())
    with refused(WrongState, taking(1, 0, fulfilled=1) + others("other")):
        going_on_with(fewer, *known)
