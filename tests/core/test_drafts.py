"""The draft of one command: what it records and keeps, who may do it, and that no card number is ever kept."""

from __future__ import annotations

import datetime
import time
import zoneinfo
from collections.abc import Callable, Iterator

import attrs
import pytest
from drafts import ACTORS, ANNA, IN_WORDS, NOON, a_draft, news, refused
from goods_events import cancelled, order_became, requested
from hypothesis import given
from hypothesis import strategies as st

from retour import Actor, ActorKind, Address, BankAccount
from retour.model.destinations import account_as_words
from retour.model.errors import InvalidReference, NotAllowed
from retour.model.events.event import Recorded
from retour.model.evidence import EvidenceFile, evidence_as_words
from retour.model.parcels import addresses_as_words
from retour.model.text import text
from retour.rules.draft import Draft, refuse_card_number
from retour.testing import a_line, an_order

ORDER = an_order(a_line("cup", 2), customer="c-17")
ASKED, CANCELLED = requested("rt", cup=1), cancelled("rt")


# --- what is recorded ------------------------------------------------------------------------------------


@pytest.fixture
def in_amsterdam(monkeypatch: pytest.MonkeyPatch) -> Iterator[datetime.tzinfo]:
    """The process runs in another zone than UTC."""
    monkeypatch.setenv("TZ", "Europe/Amsterdam")
    time.tzset()
    yield zoneinfo.ZoneInfo("Europe/Amsterdam")
    monkeypatch.undo()
    time.tzset()


def test_events_are_numbered_on_from_the_dossier_and_name_the_first_of_their_command(
    in_amsterdam: datetime.tzinfo,
) -> None:
    """A command is known again by its first event: that one alone has the host's request."""
    at = NOON.astimezone(in_amsterdam)
    draft = attrs.evolve(a_draft(ORDER), at=at, request_id="form-1", request_digest="digest")
    assert draft.dossier.version == 1
    policy = Actor.system("policy")
    draft.record(ASKED)
    draft.record(CANCELLED, policy)
    draft.record(ASKED)
    shared = {"command": 2, "at": NOON}
    assert draft.events == [
        Recorded(seq=2, by=ANNA, event=ASKED, request_id="form-1", request_digest="digest", **shared),
        Recorded(seq=3, by=policy, event=CANCELLED, request_id=None, request_digest=None, **shared),
        Recorded(seq=4, by=ANNA, event=ASKED, request_id=None, request_digest=None, **shared),
    ]
    assert [one.at.tzinfo for one in draft.events] == [datetime.UTC] * 3
    assert draft.dossier.version == 4


@pytest.mark.parametrize("by", [None, Actor.staff("")])
def test_nothing_is_recorded_of_nobody(by: Actor | None) -> None:
    draft = a_draft(ORDER, by=Actor.staff("") if by is None else ANNA)
    with refused(NotAllowed, "Say who does this.", in_code='by=Actor.staff("anna")'):
        draft.record(ASKED, by)
    assert draft.events == []


def test_an_order_is_seen_where_it_is_new_or_another() -> None:
    draft = a_draft(ORDER)
    draft.see(ORDER)
    draft.see(attrs.evolve(ORDER, customer="c-18"))
    assert news(draft) == [], "who the customer is is no fact of the order that is kept"
    cheaper = an_order(a_line("cup", 2, "10.00"))
    draft.see(cheaper)
    assert news(draft) == [order_became(cheaper)]


def test_a_copy_goes_on_alone() -> None:
    draft = a_draft(ORDER)
    draft.record(ASKED)
    draft.note(ORDER, "first")
    draft.withdrawn.append("ef-1")
    draft.superseded.append("rf-1")
    draft.retried.append("ef-3")
    before = attrs.evolve(
        draft,
        events=[*draft.events],
        notes=[*draft.notes],
        withdrawn=["ef-1"],
        superseded=["rf-1"],
        retried=["ef-3"],
    )
    copy = draft.copy()
    assert copy == draft
    copy.record(CANCELLED)
    copy.note(ORDER, "second")
    copy.withdrawn.append("ef-2")
    copy.superseded.append("rf-2")
    copy.retried.append("ef-4")
    assert draft == before
    lists = (copy.events, copy.notes, copy.withdrawn, copy.superseded, copy.retried)
    assert [len(one) for one in lists] == [2, 2, 2, 2, 2]


# --- what is kept apart ----------------------------------------------------------------------------------

HOME = Address(name="J. Jansen", street="Dam", house_number="1", postal_code="1012 JS", city="Amsterdam", country="NL")
SHOP = attrs.evolve(HOME, name="Shop", house_number="2")
ACCOUNT = BankAccount(name="J. Jansen", iban="NL91ABNA0417164300")
PHOTO = EvidenceFile(reference="uploads/7", name="cup.jpg")


@pytest.mark.parametrize(
    "keep, note_id, words",
    [
        (lambda draft: draft.note(ORDER, " broken \n"), "nt-1", "broken"),
        (lambda draft: draft.account(ORDER, ACCOUNT), "ba-1", account_as_words(ACCOUNT)),
        (lambda draft: draft.addresses(ORDER, HOME, SHOP), "ad-1", addresses_as_words(HOME, SHOP)),
        (lambda draft: draft.document(ORDER, "%PDF"), "do-1", "%PDF"),
        (lambda draft: draft.evidence(ORDER, [PHOTO])[0], "ev-1", evidence_as_words(PHOTO)),
    ],
)
def test_personal_data_is_kept_apart_under_an_id_of_its_kind(
    keep: Callable[[Draft], str], note_id: str, words: str
) -> None:
    draft = a_draft(ORDER)
    assert keep(draft) == note_id
    assert [(note.id, note.customer, note.words) for note in draft.notes] == [(note_id, "c-17", words)]


@pytest.mark.parametrize("said", [None, "", " \n"])
def test_who_wrote_nothing_has_no_note(said: str | None) -> None:
    draft = a_draft(ORDER)
    assert draft.note(ORDER, said) is None
    assert draft.notes == []


# --- who may ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ActorKind)
def test_a_command_is_refused_to_the_kinds_of_actors_that_it_is_not_for(kind: ActorKind) -> None:
    draft = a_draft(ORDER, by=ACTORS[kind])
    refusal = text("Order {order}: {actor} may not make a refund; staff may.")
    if kind in (ActorKind.STAFF, ActorKind.SYSTEM):
        draft.only(ActorKind.STAFF, ActorKind.SYSTEM, refusal=refusal)
        return
    with refused(NotAllowed, f"Order 1001: {IN_WORDS[kind]} may not make a refund; staff may."):
        draft.only(ActorKind.STAFF, ActorKind.SYSTEM, refusal=refusal)


def test_a_refusal_is_one_sentence_in_dutch_too() -> None:
    draft = a_draft(ORDER, by=ACTORS[ActorKind.CUSTOMER])
    refusal = text("Order {order}: {actor} may not approve a return; staff may.")
    with pytest.raises(NotAllowed) as error:
        draft.only(ActorKind.STAFF, refusal=refusal)
    assert error.value.text("nl") == "Bestelling 1001: een klant mag geen retour goedkeuren; een medewerker wel."


# --- card numbers ----------------------------------------------------------------------------------------

SENTENCE = (
    "Order 1001: this text holds what looks like a card number. Leave it out; if it is none, write it with points."
)


def with_check_digit(digits: str) -> str:
    """The number of which these are all digits but the last, by ISO/IEC 7812-1, annex B."""
    doubled = [int(one) for digit in digits[::-1][::2] for one in str(2 * int(digit))]
    others = [int(digit) for digit in digits[::-1][1::2]]
    return digits + str(-sum([*doubled, *others]) % 10)


card_numbers = st.from_regex(r"(4|5|6|34|37|2221|2720)[0-9]{9,15}", fullmatch=True).filter(
    lambda digits: 12 <= len(digits) <= 18
)


def holds_one(words: str) -> bool:
    try:
        refuse_card_number("1001", words)
    except InvalidReference:
        return True
    return False


@given(card_numbers, st.sampled_from(["", " ", "-"]), st.sampled_from(["{}", "card {}", "{}, thanks", "1 ({}) 2"]))
def test_a_card_number_is_found_however_it_is_grouped_and_wherever_it_stands(
    digits: str, between: str, around: str
) -> None:
    number = with_check_digit(digits)
    groups = between.join([number[place : place + 4] for place in range(0, len(number), 4)])
    assert holds_one(around.format(groups))


@given(card_numbers, st.integers(1, 9))
def test_a_number_whose_check_digit_is_wrong_is_no_card_number(digits: str, off: int) -> None:
    number = with_check_digit(digits)
    wrong = number[:-1] + str((int(number[-1]) + off) % 10)
    assert not holds_one(wrong)


@pytest.mark.parametrize(
    "words, refused_",
    [
        ("4111 1111 1111 1111", True),
        ("5500-0000-0000-0004 and 12", True),
        ("340000000000009", True),
        ("4111.1111.1111.1111", False),
        ("4111 1111 1111 1112", False),
        (with_check_digit("4" + "0" * 11), True),
        (with_check_digit("4" + "0" * 10), False),
        (with_check_digit("4" + "0" * 17), True),
        (with_check_digit("4" + "0" * 18), False),
        (with_check_digit("1" + "0" * 14), False),
        (with_check_digit("2026" + "0" * 11), False),
        ("٤١١١١١١١١١١١١١١١", False),
        ("4111 1111 x 1111 1111", False),
        ("4111X1111X1111X1111", False),
        ("0 0 0 0 0 0 0 x 4111111111111111", True),
        ("- 4111111111111111", True),
        ("7 x 4111111111111111 x 7", True),
    ],
)
def test_what_is_a_card_number_and_what_is_none(words: str, refused_: bool) -> None:
    assert holds_one(words) is refused_


@pytest.mark.parametrize(
    "keep",
    [
        lambda draft: draft.note(ORDER, "4111 1111 1111 1111"),
        lambda draft: draft.evidence(ORDER, [attrs.evolve(PHOTO, name="4111111111111111.jpg")]),
    ],
)
def test_what_holds_a_card_number_is_refused_and_not_kept(keep: Callable[[Draft], object]) -> None:
    draft = a_draft(ORDER)
    with refused(InvalidReference, SENTENCE):
        keep(draft)
    assert draft.notes == []
