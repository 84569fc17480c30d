"""An event is one thing: what its class declares, its step, its words in both languages, its golden row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from string import Formatter
from typing import Any, ClassVar

import attrs
import pytest

from retour import Audience
from retour.effects.announcements import _TELL
from retour.model.dossier import Dossier
from retour.model.events import event as events
from retour.model.events import folding, telling
from retour.model.events.event import (
    EVENT_TYPES,
    EVERYBODY,
    REFUND_CHANGED,
    Event,
    Recorded,
    Subject,
    announcing_hooks,
)
from retour.model.history import fold
from retour.model.reasons import Reason, ReasonCode, reason, reason_from_words
from retour.model.text import Text, catalogue, text
from retour.providers import ErrorCode, ProviderError
from retour.rules import timeline
from retour.store.records import read_event

GOLDEN = json.loads((Path(__file__).parents[1] / "store/golden_events.json").read_text(encoding="utf-8"))
HOOKS = _TELL.keys()
IDS = ("return_id", "refund_id", "payment", "label_id", "note_id", "instructions_id")


@attrs.frozen
class Story:
    """One order of the golden file."""

    order: str
    events: list[Recorded]


STORIES = [Story(one["order"], [read_event(one["order"], tuple(row)) for row in one["rows"]]) for one in GOLDEN]


# --- what belongs to an event ----------------------------------------------------------------------------


Dutch = Mapping[tuple[str, int], str]


def forgotten(
    kind: type[Event], stories: Iterable[Story], golden: set[tuple[str, int]], dutch: Dutch | None = None
) -> list[str]:
    """The places that a new event needs and does not have."""
    missing = [f"{kind.__name__} declares no {name}" for name in events.DECLARED if name not in vars(kind)]
    if EVENT_TYPES.get(kind.type) is not kind:
        missing.append(f"{kind.__name__} is not marked as an event")
    if kind not in folding.STEPS:
        missing.append(f"{kind.__name__} has no step")
    told = {audience for known, audience in telling.WORDS if known is kind}
    missing += [f"{kind.__name__} has no words for the {one}" for one in sorted(kind.readers - told)]
    missing += [f"{kind.__name__} has words for the {one}, who does not read it" for one in sorted(told - kind.readers)]
    if (kind.type, kind.version) not in golden:
        missing.append(f"{kind.__name__} has no golden row of version {kind.version}")
    for recorded, dossier in each_event(stories):
        if type(recorded.event) is kind:
            subject = attrs.asdict(recorded.event.subject)
            wrong = [name for name in IDS if subject[name] != getattr(recorded.event, name, None)]
            missing += [f"the subject of {kind.__name__} has another {name}" for name in wrong]
            if not set(announcing_hooks(recorded.event)) <= HOOKS:
                missing.append(f"{kind.__name__} is announced by an unknown hook")
            for audience in kind.readers & told:
                words = telling.WORDS[kind, audience](dossier, recorded.event)
                missing += [f"{kind.__name__} has no Dutch for: {one}" for one in untranslated(words, dutch)]
    return sorted(set(missing))


def each_event(stories: Iterable[Story]) -> Iterator[tuple[Recorded, Dossier]]:
    """Every event of the stories, with the dossier after it."""
    for story in stories:
        for number, recorded in enumerate(story.events, 1):
            if type(recorded.event) in folding.STEPS:
                yield recorded, fold(story.order, story.events[:number])


def untranslated(said: object, dutch: Dutch | None) -> Iterator[str]:
    """The English sentences of a text that have no Dutch; what is only punctuation needs none."""
    if isinstance(said, Text):
        letters = "".join(literal for literal, *_ in Formatter().parse(said.message))
        if any(one.isalpha() for one in letters) and (said.message, 0) not in (dutch or catalogue(said.domain, "nl")):
            yield said.message
        for value in said.values.values():
            yield from untranslated(value, dutch)
    elif isinstance(said, list | tuple):
        for value in said:
            yield from untranslated(value, dutch)


ROWS = {(row[5], row[6]) for story in GOLDEN for row in story["rows"]}


@pytest.mark.parametrize("kind", EVENT_TYPES.values(), ids=EVENT_TYPES)
def test_every_event_has_all_that_belongs_to_it(kind: type[Event]) -> None:
    assert forgotten(kind, STORIES, ROWS) == []


@attrs.frozen(kw_only=True)
class RefundBlessed:
    """An event that a test plants."""

    type: ClassVar = "refund_blessed"
    version: ClassVar = 1
    readers: ClassVar = EVERYBODY
    announced_by: ClassVar = REFUND_CHANGED

    refund_id: str

    @property
    def subject(self) -> Subject:
        return Subject(refund_id=self.refund_id)


PLACES = {
    "event": "RefundBlessed is not marked as an event",
    "step": "RefundBlessed has no step",
    "words for the staff": "RefundBlessed has no words for the staff",
    "words for the customer": "RefundBlessed has no words for the customer",
    "dutch": "RefundBlessed has no Dutch for: Refund blessed",
    "golden row": "RefundBlessed has no golden row of version 1",
}


def plant(monkeypatch: pytest.MonkeyPatch, left_out: str) -> list[str]:
    """Plant the event in every place but one; gives what is found to be forgotten."""
    if left_out != "event":
        monkeypatch.setitem(EVENT_TYPES, RefundBlessed.type, RefundBlessed)
    if left_out != "step":
        monkeypatch.setitem(folding.STEPS, RefundBlessed, lambda _, __, ___: {})
    words = text("Refund blessed")
    if left_out != "words for the staff":
        monkeypatch.setitem(telling.WORDS, (RefundBlessed, Audience.STAFF), lambda _, __: words)
    if left_out != "words for the customer":
        monkeypatch.setitem(telling.WORDS, (RefundBlessed, Audience.CUSTOMER), lambda _, __: words)
    dutch = dict(catalogue("retour", "nl"))
    if left_out != "dutch":
        dutch["Refund blessed", 0] = "Terugbetaling gezegend"
    golden = ROWS if left_out == "golden row" else ROWS | {(RefundBlessed.type, 1)}
    story = STORIES[0]
    planted = attrs.evolve(story.events[-1], seq=len(story.events) + 1, event=RefundBlessed(refund_id="rf1"))
    return forgotten(RefundBlessed, [Story(story.order, [*story.events, planted])], golden, dutch)


@pytest.mark.parametrize("left_out", PLACES)
def test_a_place_that_is_forgotten_is_named(monkeypatch: pytest.MonkeyPatch, left_out: str) -> None:
    assert PLACES[left_out] in plant(monkeypatch, left_out)


def test_an_event_in_all_its_places_is_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    assert plant(monkeypatch, "nothing") == []


@pytest.mark.parametrize("name", events.DECLARED)
def test_an_event_that_leaves_something_undeclared_cannot_even_be_imported(name: str) -> None:
    body = {key: value for key, value in vars(RefundBlessed).items() if key in events.DECLARED and key != name}
    with pytest.raises(TypeError, match=f"does not declare {name}"):
        events.event(type("RefundBlessed", (), body))


def test_two_events_of_one_type_are_refused() -> None:
    body = {**{key: vars(RefundBlessed)[key] for key in events.DECLARED}, "type": "refund_held"}
    with pytest.raises(TypeError, match="has the type of RefundHeld"):
        events.event(type("RefundBlessed", (), body))


# --- who reads what --------------------------------------------------------------------------------------


def said_by_others(value: Any) -> Iterator[str]:
    """The words of people, plugins, shops and providers that an event holds."""
    if isinstance(value, Reason):
        yield value.said
        yield from value.values.values()
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from said_by_others(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from said_by_others(one)
    elif attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            yield from said_by_others(getattr(value, field.name))


SAYS_NOTHING_SOMETIMES = {"refund_cancelled", "label_reported"}
"""Events that have nothing to tell a reader who never heard of what they are about."""


@pytest.mark.parametrize("audience", Audience)
@pytest.mark.parametrize("language", ["en", "nl"])
@pytest.mark.parametrize("story", STORIES, ids=[f"{story.order}-{len(story.events)}" for story in STORIES])
def test_every_golden_story_reads_for_both_audiences(story: Story, language: str, audience: Audience) -> None:
    order = fold(story.order, story.events).order
    assert order is not None
    shown = timeline.entries(order, story.events, audience, kept={}, pages={})
    own = [one for one in shown if one.seq]
    told = {one.seq for one in own}
    for recorded in story.events:
        silent = recorded.event.type == "order_seen" and recorded.seq == 1
        if audience in recorded.event.readers and not silent and recorded.event.type not in SAYS_NOTHING_SOMETIMES:
            assert recorded.seq in told
        if audience not in recorded.event.readers:
            assert recorded.seq not in told
    for entry in own:
        words = entry.text(language)
        assert words
        assert "{" not in words
        if audience is Audience.CUSTOMER:
            event = story.events[entry.seq - 1].event
            assert not [one for one in said_by_others(event) if one and one in words]


# --- reasons ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ErrorCode)
def test_every_code_of_a_provider_is_a_reason_in_both_languages(code: ErrorCode) -> None:
    because = ProviderError(code, "so it is", http_status=422).reason
    assert code.value not in because.text("en")
    assert because.text("nl") != because.text("en")
    ours = code in (ErrorCode.NOT_SENT, ErrorCode.OUTCOME_UNKNOWN, ErrorCode.UNREADABLE_ANSWER)
    assert ("so it is" in because.text("nl")) is not ours


VALUES = {
    ReasonCode.PLUGIN_FAILED: {"plugin": "acme", "origin": "retour-acme 1.0", "hook": "restock_policy"},
    ReasonCode.CANNOT_BE_ASKED: {"error": "unavailable"},
    ReasonCode.GIVEN_UP: {"work": "reconcile", "error": "unavailable"},
    ReasonCode.NOT_EXPLAINED: {"left": "EUR 1.00", "expected": "EUR 2.00"},
    ReasonCode.PAYMENT_VANISHED: {"payment": "mollie:tr_1"},
    ReasonCode.PAYMENT_DOUBLED: {"payments": "mollie:tr_1, mollie:ord_1"},
    ReasonCode.PERHAPS_OURS: {"refunds": "rf1, rf2"},
    ReasonCode.UNITS_BEYOND_ORDER: {"number": "1", "line": "cup"},
    ReasonCode.SURPLUS_UNITS: {"number": "1", "line": "cup"},
    ReasonCode.MONEY_BEYOND_ORDER: {"amount": "EUR 1.00", "payment": "mollie:tr_1"},
    ReasonCode.CHARGED_BACK: {"amount": "EUR 1.00", "payment": "mollie:tr_1"},
    ReasonCode.CHARGED_BACK_MEANWHILE: {"amount": "EUR 1.00", "payment": "mollie:tr_1"},
    ReasonCode.REMAINDER: {"amount": "HUF 0.40"},
    ReasonCode.ALSO_IN_PORTAL: {"return_number": "AB1-CD2-EF3"},
    ReasonCode.PORTAL_ITEMS: {"items": "1 × cup"},
    ReasonCode.UNITS_NOT_THERE: {"number": "3", "line": "cup", "left": "1"},
    ReasonCode.LESS_THAN_A_STEP: {"step": "HUF 1.00"},
    ReasonCode.CURRENCY_NOT_REFUNDED: {"currency": "HUF"},
    ReasonCode.LINE_CURRENCY: {"line": "cup", "amount": "USD 1.00", "currency": "EUR"},
    ReasonCode.LINE_TAXES: {"line": "cup", "amount": "EUR 10.00", "difference": "EUR 1.00"},
    ReasonCode.LINE_CURRENCY_UNKNOWN: {"line": "tea", "amount": "8 XBT"},
    ReasonCode.LINE_TAX_RATE: {"line": "tea", "rate": "-21"},
    ReasonCode.LINE_UNITS_BELOW_ZERO: {"line": "tea", "quantity": "-1"},
    ReasonCode.LINE_PART_OF_A_UNIT: {"line": "tea", "quantity": "0.5"},
    ReasonCode.LINE_BELOW_ZERO: {"line": "cup", "amount": "EUR -1.00"},
    ReasonCode.LINE_WITHOUT_UNITS: {"line": "cup", "amount": "EUR 1.00"},
    ReasonCode.LINE_MORE_FULFILLED: {"line": "cup", "ordered": "1", "fulfilled": "2"},
    ReasonCode.DISCOUNT_ABOVE_ZERO: {"line": "sale", "amount": "EUR 1.00"},
    ReasonCode.DISCOUNT_OVER_NO_GOODS: {"line": "sale", "others": "mug"},
    ReasonCode.LINE_GONE: {"line": "cup", "amount": "EUR 1.00"},
    ReasonCode.LINE_REPRICED: {"line": "cup", "before": "EUR 2.00", "now": "EUR 1.00"},
    ReasonCode.SEVERAL_LINES: {"lines": "cup, pot"},
    ReasonCode.WINDOW_ENDED: {"days": "14", "ended": "2026-10-19", "since": "2026-10-05"},
    ReasonCode.WINDOW_ENDED_SINCE_ORDER: {"days": "14", "ended": "2026-10-16", "since": "2026-10-02"},
    ReasonCode.WINDOW_UNKNOWN: {"days": "14"},
}


@pytest.mark.parametrize("code", [code for code in ReasonCode if code is not ReasonCode.SAID])
def test_every_reason_of_ours_reads_in_both_languages(code: ReasonCode) -> None:
    because = reason(code, **VALUES.get(code, {}))
    english, dutch = because.text("en"), because.text("nl")
    assert english != dutch
    assert "{" not in english + dutch
    assert "{" not in reason(code, "{braces} as given", **VALUES.get(code, {})).text("nl").replace("{braces}", "")


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ("", None),
        ("a second person looks", Reason(code=ReasonCode.SAID, said="a second person looks")),
        ("held", Reason(code=ReasonCode.HELD)),
        ("outcome_unknown: no answer from the provider (ReadTimeout)", Reason(code=ReasonCode.OUTCOME_UNKNOWN)),
        ("disputed: a case is open (CASE_1)", Reason(code=ReasonCode.DISPUTED, said="a case is open (CASE_1)")),
        ("note: from anna", Reason(code=ReasonCode.SAID, said="note: from anna")),
        ("said: from anna", Reason(code=ReasonCode.SAID, said="said: from anna")),
        (
            "the provider cannot be asked: unavailable: maintenance",
            Reason(code=ReasonCode.CANNOT_BE_ASKED, values={"error": "unavailable"}, said="maintenance"),
        ),
        (
            "needs review: plugin acme (retour-acme 1.0) failed in return_policy: ValueError('x')",
            Reason(
                code=ReasonCode.PLUGIN_FAILED,
                values={"plugin": "acme", "origin": "retour-acme 1.0", "hook": "return_policy"},
                said="ValueError('x')",
            ),
        ),
        (
            "3 units of line cup cannot go back in stock; 1 sellable units of it can.",
            Reason(code=ReasonCode.UNITS_NOT_THERE, values={"number": "3", "line": "cup", "left": "1"}),
        ),
    ],
)
def test_a_reason_that_was_stored_as_english_words_is_read_as_what_it_was(stored: str, expected: Reason | None) -> None:
    assert reason_from_words(stored) == expected
