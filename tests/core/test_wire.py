"""JSON from outside is read exactly, or refused before it can do harm."""

from __future__ import annotations

import json
import sys
import weakref
from decimal import Decimal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retour.model.money import LARGEST_AMOUNT
from retour.providers import ErrorCode, Money, ProviderError, RefundResult, RefundStatus, read_json, read_wire
from retour.providers.wire import DEEPEST

words = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"))
leaves = st.none() | st.booleans() | st.integers() | words
plain = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(words, inner))


@given(plain)
def test_what_json_writes_is_read_as_it_was(value: object) -> None:
    assert read_json(json.dumps(value)) == value


def test_decimals_stay_exact() -> None:
    assert read_json(b'{"amount": 0.1}') == {"amount": Decimal("0.1")}


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff", b"{", b"NaN", b"[Infinity]", b"1" * 5000, b"[" * 100_000, b'{"a":' * 100_000, b"[" * 65 + b"]" * 65],
)
def test_what_is_no_json_or_too_deep_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        read_json(body)


@pytest.mark.parametrize(
    "body", [b"[" * DEEPEST + b"]" * DEEPEST, json.dumps("[" * 100).encode(), json.dumps({'"[' * 50: ["\\"]}).encode()]
)
def test_brackets_count_where_they_nest_and_nowhere_else(body: bytes) -> None:
    assert read_json(body) == json.loads(body)


@pytest.mark.parametrize(
    "body", ['"' + '\\"' * 300_000, '"' * 300_001, '"\\' * 200_000 + "[" * 100, '"' + "[" * 300_000]
)
def test_a_hostile_text_is_refused_in_one_pass(body: str) -> None:
    with pytest.raises(ValueError):
        read_json("[" * DEEPEST + body)


def test_deep_json_takes_no_weak_reference_with_it() -> None:
    """What made this a defect: a callback that ran at the bottom of the recursion was lost."""

    class Thing:
        pass

    gone: list[object] = []
    things = [Thing() for _ in range(1000)]
    watched = [weakref.ref(thing, gone.append) for thing in things]
    depth = sys.getrecursionlimit()
    with pytest.raises(ValueError):
        read_json(b"[" * (depth * 10))
    things.clear()
    assert len(gone) == len(watched)


@pytest.mark.parametrize(
    "body, found",
    [
        ('["a\\ud83d"]', ["a?"]),
        ('{"\\udE00": {"b": "\\u0000"}}', {"?": {"b": "?"}}),
        ('"\\ud83d\\ude00 \\\\ud83d"', "\N{GRINNING FACE} \\ud83d"),
    ],
)
def test_half_a_character_and_a_nul_become_question_marks_and_whole_ones_stay(body: str, found: object) -> None:
    assert read_json(body) == found


@pytest.mark.parametrize("reference, minor", [("", 100), ("re_1", -1), ("re_1", LARGEST_AMOUNT + 1)])
def test_a_refund_without_a_reference_or_of_an_amount_that_none_has_is_unreadable(reference: str, minor: int) -> None:
    amount = Money(minor=minor, currency="EUR")
    with pytest.raises(ProviderError) as caught:
        RefundResult(reference=reference, target="", status=RefundStatus.PENDING, amount=amount, provider_status="")
    assert caught.value.code is ErrorCode.UNREADABLE_ANSWER


@attrs.frozen(kw_only=True)
class Listed:
    labels: tuple[str, ...]
    more: tuple[str, ...] | None = None
    others: list[str] = attrs.Factory(list)


@pytest.mark.parametrize("other", [{}, {"id": 1}, "", "ab", 3, None, True])
def test_what_is_no_list_is_not_read_as_one(other: object) -> None:
    """An empty object is not a list of nothing: what stands in it would be taken for what is not there."""
    with pytest.raises(ProviderError, match=r"\$\.labels"):
        read_wire(Listed, {"labels": other})
    if other is not None:
        with pytest.raises(ProviderError, match=r"\$"):
            read_wire(Listed, {"labels": [], "more": other})
    with pytest.raises(ProviderError, match=r"\$\.others"):
        read_wire(Listed, {"labels": [], "others": other})
    with pytest.raises(ProviderError, match=r"\$\.others\[1\]"):
        read_wire(Listed, {"labels": [], "others": ["a", 3]})
    assert read_wire(Listed, {"labels": ["a"], "more": [], "others": ["b"]}) == Listed(
        labels=("a",), more=(), others=["b"]
    )
