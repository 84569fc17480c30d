"""JSON of anybody's makes a value that its class takes, or an error that says where and what: never anything else."""

from __future__ import annotations

import copy
import datetime
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from fuzz.hostile_values import KINDS as HOSTILE
from fuzz.hostile_values import LyingMoney, Raises
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from plain.any_value import KINDS, any_value

import retour
from retour import (
    Counted,
    Dossier,
    GoodsState,
    InvalidArgument,
    InvalidValue,
    Money,
    Order,
    OrderLine,
    RestockDecision,
    Text,
    UnknownLanguage,
    WorkReport,
)
from retour.model.order import TaxPart
from retour.providers import Idempotency, LabelDocument
from retour.testing import a_line, an_order

MONEY = {"minor": 100, "currency": "EUR"}
LINE = {"id": "1", "product": "p", "name": "n", "ordered": 1, "fulfilled": 1, "paid": {"gross": MONEY}}
ORDER = {"id": "1001", "currency": "EUR", "lines": [LINE]}
SENTENCE = {"message": "Say {a}", "values": {"a": "x"}}
LABEL = {"form": "pdf", "media_type": "application/pdf", "content": "eA=="}


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = {"type": "Text", "value": {"message": "Say {a}", "values": {"a": value}}}
    return {"message": "Say {a}", "values": {"a": value}}


def lists(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return {"message": "Say {a}", "values": {"a": value}}


REFUSED: dict[str, tuple[Any, Any, str]] = {
    "no object": (Money, [], "Money must be an object, not list."),
    "nothing": (Money, None, "Money must be an object, not nothing."),
    "a key is missing": (Money, {"minor": 1}, "Money.currency is missing."),
    "a key that nobody knows": (
        Counted,
        {"line_id": "1", "sellabel": 1},
        "Counted has no “sellabel”. It has: line_id, sellable, damaged, missing, wrong, to_inspect, surplus, in_words.",
    ),
    "a key that is no text": (Money, {1: 1}, "Money has no “int”. It has: minor, currency, decimal, text."),
    "a fraction": (Money, {"minor": 1.5, "currency": "EUR"}, "Money.minor must be a whole number from"),
    "a number that is none": (Money, {"minor": float("nan"), "currency": "EUR"}, "Money.minor must be a whole number"),
    "a number in a text": (Money, {"minor": "1", "currency": "EUR"}, "Money.minor must be a whole number"),
    "true for a number": (Money, {"minor": True, "currency": "EUR"}, "Money.minor must be a whole number"),
    "a number too large": (Money, {"minor": 10**5000, "currency": "EUR"}, "Money.minor must be a whole number"),
    "no currency": (Money, {"minor": 1, "currency": "XBT"}, "Money: XBT is not a currency of ISO 4217."),
    "two amounts in one": (
        Money,
        {**MONEY, "decimal": "100.00"},
        "Money.decimal must be “1.00”, as minor says, not a text of 6 characters.",
    ),
    "a place in a list": (
        Order,
        {**ORDER, "lines": [LINE, {**LINE, "id": "2", "paid": {"gross": {"minor": 1}}}]},
        "Order.lines[1].paid.gross.currency is missing.",
    ),
    "a text for a list": (Order, {**ORDER, "lines": "abc"}, "Order.lines must be a list, not a text of 3 characters."),
    "no member": (Order, {**ORDER, "lines": [{**LINE, "kind": "good"}]}, "Order.lines[0].kind must be one of “goods”"),
    "a member that is no text": (Order, {**ORDER, "lines": [{**LINE, "kind": ["goods"]}]}, "Order.lines[0].kind must"),
    "twice in a set": (
        OrderLine,
        {**LINE, "tags": ["a", "a"]},
        "OrderLine.tags must be a list in which nothing",
    ),
    "what the class refuses": (Order, {**ORDER, "lines": [LINE, LINE]}, "Order: Order 1001: two have the same name"),
    "a time without its zone": (Order, {**ORDER, "placed_at": "2026-11-23T12:00:00"}, "Order.placed_at must be a time"),
    "a week": (Order, {**ORDER, "placed_at": "2026-W48-1T12:00:00Z"}, "Order.placed_at must be a time with its zone"),
    "no day": (Order, {**ORDER, "placed_at": "2026-13-01T12:00:00Z"}, "Order.placed_at must be a time with its zone"),
    "a time before all times": (Order, {**ORDER, "placed_at": "0001-01-01T00:00:00+14:00"}, "Order.placed_at must be"),
    "a long time": (Order, {**ORDER, "placed_at": "2" * 10**6}, "Order.placed_at must be a time with its zone"),
    "no decimal": (TaxPart, {"rate": "NaN", "net": MONEY, "tax": MONEY}, "TaxPart.rate must be a decimal number"),
    "a float": (TaxPart, {"rate": 21.0, "net": MONEY, "tax": MONEY}, "TaxPart.rate must be a decimal number in a text"),
    "digits of elsewhere": (TaxPart, {"rate": "٢١", "net": MONEY, "tax": MONEY}, "TaxPart.rate must be a decimal"),
    "a huge decimal": (TaxPart, {"rate": "9" * 60, "net": MONEY, "tax": MONEY}, "TaxPart.rate must be a decimal"),
    "a period of months": (
        Idempotency,
        {"header": "x", "window": "P1M"},
        "Idempotency.window must be a period",
    ),
    "a period of centuries": (Idempotency, {"header": "x", "window": "P999999999DT99999S"}, "Idempotency.window must"),
    "no bytes": (LabelDocument, {**LABEL, "content": "€"}, "LabelDocument.content must be bytes in Base64"),
    "a text with a NUL": (OrderLine, {**LINE, "name": "\0"}, "OrderLine.name must be a text of 0 to 10000 characters"),
    "half a character": (OrderLine, {**LINE, "name": "\ud800"}, "OrderLine.name must be a text of 0 to 10000"),
    "a long text": (OrderLine, {**LINE, "id": "x" * 256}, "OrderLine.id must be a text of 1 to 255 characters"),
    "a bad value of a mapping": (
        RestockDecision,
        {"kind": "all", "units": {"1": -1}},
        "RestockDecision.units[“1”]",
    ),
    "a bad key of a mapping": (RestockDecision, {"kind": "all", "units": {"": 1}}, "RestockDecision.units[“”] must be"),
    "a row too short": (
        Dossier,
        {"order_id": "1", "requests": {"r": ["x"]}},
        "Dossier.requests[“r”] must be a",
    ),
    "a private field": (
        Dossier,
        {"order_id": "1", "_tally": None},
        "Dossier has no “_tally”. It has: order_id",
    ),
    "a reason without its values": (
        RestockDecision,
        {"kind": "ask", "because": {"code": "currency_not_refunded"}},
        "RestockDecision.because: Reason.values lacks what the reason currency_not_refunded tells",
    ),
    "a hole that reaches into a value": (Text, {**SENTENCE, "message": "{a.__class__}"}, "Text.message must be a sent"),
    "a hole that asks for an item": (Text, {**SENTENCE, "message": "{a[0]}"}, "Text.message must be a sentence whose"),
    "a hole of a gigabyte": (Text, {**SENTENCE, "message": "{a:>1000000000}"}, "Text.message must be a sentence whose"),
    "a hole that nothing fills": (Text, {**SENTENCE, "plural": "{b}"}, "Text.plural must be a sentence whose holes"),
    "words beside that are none": (Money, {**MONEY, "text": 1}, "Money.text must be a text, not 1."),
    "a word beside that is none": (
        Counted,
        {"line_id": "1", "in_words": {"a": 1}},
        "Counted.in_words.a must be a text",
    ),
    "no sentence": (Text, {**SENTENCE, "message": "{"}, "Text.message must be a sentence whose holes are the names"),
    "a package below one": (Text, {**SENTENCE, "domain": "antigravity.x"}, "Text.domain must be the name of a package"),
    "a type that nobody knows": (
        Text,
        {"message": "{a}", "values": {"a": {"type": "Secret", "value": "x"}}},
        "Text.values.a.type must be one of datetime, date, tuple, Text, Money, ReturnReason, not a text of 6",
    ),
    "a type that is no text": (
        Text,
        {"message": "{a}", "values": {"a": {"type": Raises(), "value": "x"}}},
        "Text.values.a.type must be one of datetime",
    ),
    "a tuple that is none": (
        Text,
        {"message": "{a}", "values": {"a": {"type": "tuple", "value": "x"}}},
        "Text.values.a.value must be a list",
    ),
    "a value of no type": (Text, {"message": "{a}", "values": {"a": {"value": 1}}}, "Text.values.a.type is missing."),
    "a float in a sentence": (Text, {"message": "{a}", "values": {"a": 0.5}}, "Text.values.a must be a value of a sen"),
    "sentences in sentences": (Text, nested(20), "is nested more than 16 deep."),
    "lists in lists": (Text, lists(100_000), "is nested more than 16 deep."),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_said_with_the_way_to_it(name: str) -> None:
    kind, plain, says = REFUSED[name]
    with pytest.raises(InvalidValue) as refused:
        retour.from_dict(kind, plain)
    assert says in refused.value.text("en")
    assert refused.value.text("nl") != refused.value.text("en")
    assert len(refused.value.text("en")) < 1_500


@pytest.mark.parametrize("depth", [1, 15])
def test_what_is_nested_as_deep_as_people_speak_is_read(depth: int) -> None:
    assert retour.to_dict(retour.from_dict(Text, nested(depth // 2)))["values"]["a"]


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield way
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*way, key))


ODD = [one for kinds in HOSTILE for one in kinds] + [[], {}, [[]], {"x": 1}, float("inf"), -0.0, 10**400]


def spoiled(choose: random.Random, plain: Any) -> Any:
    """JSON with something else in one place of it: another value, a key more, a key less."""
    way = choose.choice(list(places(plain)))
    if not way:
        return choose.choice(ODD)
    made = copy.deepcopy(plain)
    inner = made
    for key in way[:-1]:
        inner = inner[key]
    what = choose.randrange(4)
    if what == 0:
        del inner[way[-1]]
    elif what == 1 and isinstance(inner, dict):
        inner[choose.choice(["x", "type", "__class__", "", 1])] = choose.choice(ODD)
    else:
        inner[way[-1]] = choose.choice(ODD)
    return made


VALIDATORS = {name: Draft202012Validator(retour.json_schema(kind)) for name, kind in KINDS.items()}


@pytest.mark.parametrize("name", KINDS)
@settings(
    max_examples=int(os.environ.get("RETOUR_EXAMPLES", "3")),
    derandomize="RETOUR_EXAMPLES" not in os.environ,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_spoiled_json_is_refused_with_the_way_or_is_as_the_schema_says(
    name: str, data: st.DataObject, seed: int
) -> None:
    kind, choose = KINDS[name], random.Random(seed)
    plain = retour.to_dict(data.draw(any_value(kind)), personal=True, language=choose.choice([None, "nl"]))
    for _ in range(10):
        given = spoiled(choose, plain)
        try:
            value = retour.from_dict(kind, given)
        except InvalidValue as error:
            assert error.text("en").startswith(kind.__name__)  # noqa: PT017 - it is one of two ends
            continue
        assert type(value) is kind
        assert [error.message for error in VALIDATORS[name].iter_errors(given)] == []


def test_a_sentence_of_a_package_that_is_not_imported_does_not_import_it() -> None:
    program = """
import sys, retour
from retour import Text
said = retour.from_dict(Text, {"message": "Hi {a}", "domain": "this", "values": {"a": 1}})
assert said.render("nl") == "Hi 1"
assert "this" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_sentence_of_a_plugin_that_is_not_imported_is_read_in_dutch() -> None:
    program = """
import sys, retour
from retour import Text
said = retour.from_dict(Text, {"message": "Transfer it yourself", "domain": "retour_manual_transfer"})
assert said.render("nl") == "Zelf overmaken", said.render("nl")
assert "retour_manual_transfer" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


class OwnOrder(Order):  # type: ignore[misc]
    """A host's own kind of order."""


def test_a_hosts_own_kind_of_order_is_one_of_its_own() -> None:
    own = OwnOrder(id="1001", currency="EUR", lines=[a_line("cup", 2)])
    assert retour.from_dict(OwnOrder, retour.to_dict(own)) == own
    assert type(retour.from_dict(Order, retour.to_dict(own))) is Order


class Shouts:
    """A value of a host's, which can be shown."""

    def render(self, language: str = "en") -> str:
        return f"HELLO in {language}"


def test_a_value_of_foreign_code_in_a_sentence_is_written_as_its_words() -> None:
    said = Text(message="{who}", values={"who": Shouts()})
    assert retour.to_dict(said)["values"] == {"who": "HELLO in en"}
    assert retour.to_dict(said, language="nl")["values"] == {"who": "HELLO in nl"}


@pytest.mark.parametrize("values", [{"a": 0.5}, {"a": Text}, {"a": Raises()}, {"b": 1}], ids=range(4))
def test_a_sentence_that_cannot_be_shown_is_not_written_for_a_screen(values: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue, match="must be a Text that every language can show"):
        retour.to_dict(Text(message="{a}", values=values), language="nl")


@pytest.mark.parametrize("value", [None, 1, "x", [], GoodsState.CLOSED, Order, ValueError()], ids=repr)
def test_what_is_no_value_of_retour_is_refused(value: object) -> None:
    with pytest.raises(InvalidArgument, match="is no value of retour: give one of its values, or the class of one"):
        retour.to_dict(value)


@pytest.mark.parametrize("kind", [None, int, "Order", GoodsState, Money(minor=1, currency="EUR")], ids=repr)
def test_what_is_no_class_of_values_is_refused(kind: Any) -> None:
    with pytest.raises(InvalidArgument, match="is no value of retour"):
        retour.from_dict(kind, {})
    with pytest.raises(InvalidArgument, match="is no value of retour"):
        retour.json_schema(kind)


def test_a_language_that_there_are_no_words_in_is_refused() -> None:
    with pytest.raises(UnknownLanguage):
        retour.to_dict(Money.of("1", "EUR"), language="tlh")


def test_a_value_that_was_changed_behind_the_back_of_its_class_is_not_written() -> None:
    order = an_order(a_line("cup", 2))
    object.__setattr__(order.lines[0], "ordered", 1.5)
    with pytest.raises(InvalidValue, match=r"Order\.lines\[0\]\.ordered must be a whole number"):
        retour.to_dict(order)


def test_an_amount_of_another_class_is_not_written_as_ours() -> None:
    lying = LyingMoney(minor=1, currency="EUR")
    report = attrs.evolve(an_order(a_line("cup", 2)).lines[0].paid)
    object.__setattr__(report, "gross", lying)
    with pytest.raises(InvalidValue, match=r"Paid\.gross must be Money as it is made by its class"):
        retour.to_dict(report)


def test_every_output_is_json_of_its_own_types() -> None:
    """No member of an enum, no marked text of a framework: who writes it as YAML or MessagePack meets none of ours."""
    line = attrs.evolve(a_line("cup", 2), kind=retour.LineKind.SERVICE)
    for way in places(retour.to_dict(an_order(line))):
        value: Any = retour.to_dict(an_order(line))
        for key in way:
            value = value[key]
        assert type(value) in (dict, list, str, int, bool, type(None))


def test_what_is_left_out_of_what_is_read_is_as_if_nobody_had_said_it() -> None:
    assert retour.from_dict(WorkReport, {}) == WorkReport()
    assert retour.from_dict(Counted, {"line_id": "1", "sellable": 2}) == Counted(line_id="1", sellable=2)
    assert retour.from_dict(Order, ORDER).lines[0].paid.gross == Money.of("1", "EUR")


def test_a_time_of_another_zone_is_read_in_utc() -> None:
    order = retour.from_dict(Order, {**ORDER, "placed_at": "2026-11-23T13:00:00+01:00"})
    assert order.placed_at == datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC)
    assert retour.to_dict(order)["placed_at"] == "2026-11-23T12:00:00Z"
    assert json.dumps(retour.to_dict(order))
