"""The number of a return: short, checked, forgiving when it is typed, and of one return of a shop only."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from retour import Actor, Busy, InvalidArgument, ReturnDesk, connect
from retour.model.ids import id_maker
from retour.model.return_number import checked_number, grouped, return_number
from retour.model.typed_return_number import read_return_number
from retour.store import migrations
from retour.store.migrations import MIGRATIONS, migrate
from retour.testing import a_line, an_order

ANNA = Actor.staff("anna")
CUSTOMER = Actor.customer("c-17")
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

numbers = st.text(ALPHABET, min_size=8, max_size=8).map(lambda eight: grouped(checked_number(eight)))
places = st.integers(0, 8)


def put(number: str, place: int, character: str) -> str:
    """The number with another character in one place."""
    plain = number.replace("-", "")
    return plain[:place] + character + plain[place + 1 :]


# --- the number itself -----------------------------------------------------------------------------------


def test_a_number_is_for_ever_what_it_was() -> None:
    assert return_number("rt01M83T4KER09NXK0895SZBSQXZ") == "N9V-N57-VT1"


def test_it_fits_a_label_and_a_bank_line() -> None:
    number = return_number(id_maker(0)("rt"))
    assert len(number) == 11
    assert set(number) <= {*ALPHABET, "-"}


@given(numbers)
def test_a_number_is_read_as_it_is_shown(number: str) -> None:
    assert read_return_number(number) == number


@given(numbers, st.data())
def test_however_it_is_typed_it_is_the_same_number(number: str, data: st.DataObject) -> None:
    typed = ""
    for one in number.replace("-", ""):
        like = {"0": "0Oo\uff10", "1": "1IiLl"}.get(one, one + one.lower())
        typed += data.draw(st.sampled_from(like)) + data.draw(st.sampled_from(["", "", " ", "-", " - ", "\u2013", "."]))
    assert read_return_number(f" {typed} ") == number


@given(numbers, places, st.sampled_from(ALPHABET))
def test_one_wrong_character_is_always_seen(number: str, place: int, character: str) -> None:
    typed = put(number, place, character)
    if typed == number.replace("-", ""):
        assert read_return_number(typed) == number
    else:
        with pytest.raises(InvalidArgument, match="a character of it is wrong"):
            read_return_number(typed)


@given(numbers, places, places)
def test_two_characters_that_changed_places_are_always_seen(number: str, one: int, other: int) -> None:
    plain = number.replace("-", "")
    typed = put(put(number, one, plain[other]), other, plain[one])
    if plain[one] == plain[other]:
        assert read_return_number(typed) == number
    else:
        with pytest.raises(InvalidArgument, match="changed places"):
            read_return_number(typed)


@given(st.text(max_size=30))
def test_anything_else_is_read_as_a_number_or_refused(typed: str) -> None:
    with suppress(InvalidArgument):
        number = read_return_number(typed)
        assert checked_number(number.replace("-", "")[:-1]) == number.replace("-", "")


@pytest.mark.parametrize(
    "typed", ["", "7K3", "7K3-M9Q-X4M-7", "7K3-M9Q-X4U", "7K3 M9Q X4!", "rt01M83T4KER09NXK0895SZB"]
)
def test_what_has_no_nine_such_characters_is_refused_with_an_example(typed: str) -> None:
    with pytest.raises(InvalidArgument, match="nine letters and digits, as 7K3-M9Q-X4M"):
        read_return_number(typed)


# --- where it is shown, and found ------------------------------------------------------------------------


@pytest.fixture
def desk(make_desk: Callable[..., ReturnDesk]) -> ReturnDesk:
    return make_desk(an_order(a_line("cup", 5)))


def test_a_requested_return_shows_its_number_and_is_found_by_it(desk: ReturnDesk) -> None:
    asked = desk.request_return("1001", {"cup": 1}, by=CUSTOMER, request_id="form-1")
    number = asked.return_number
    assert number == desk.dossier("1001").return_(asked.return_id).number
    for audience in ("staff", "customer"):
        assert {entry.return_number for entry in desk.timeline("1001", audience)} == {number}
    found = desk.find_return(f" {number.lower().replace('-', ' ')}")
    assert found is not None
    assert (found.order_id, found.return_id, found.number) == ("1001", asked.return_id, number)
    assert desk.list_returns().returns == (found,)


def test_a_return_that_begins_with_its_receipt_has_one_too(desk: ReturnDesk) -> None:
    counted = desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="form-1")
    found = desk.find_return(counted.return_number)
    assert found is not None
    assert found.return_id == counted.return_id
    desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="form-2")
    again = desk.find_return(counted.return_number)
    assert again is not None
    assert again.goods == "received"


def test_a_number_that_no_return_of_the_shop_has_finds_nothing(make_desk: Callable[..., ReturnDesk]) -> None:
    desk = make_desk(an_order(a_line("cup", 5)))
    number = desk.request_return("1001", {"cup": 1}, by=CUSTOMER, request_id="form-1").return_number
    other = make_desk(an_order(a_line("cup", 5)), shop_id="other")
    assert other.find_return(number) is None
    assert desk.find_return(return_number("rt of nobody")) is None
    with pytest.raises(InvalidArgument, match="a character of it is wrong"):
        desk.find_return(put(number, 0, "0" if number[0] != "0" else "1"))


@pytest.mark.parametrize("on", ["its own connection", "the host's"])
def test_a_number_that_is_taken_is_given_to_no_second_return(
    desk: ReturnDesk, monkeypatch: pytest.MonkeyPatch, on: str
) -> None:
    """The next id has another: the command is decided anew, and the host's transaction goes on."""
    first = desk.request_return("1001", {"cup": 1}, by=CUSTOMER, request_id="form-1")
    numbers = iter([first.return_number, first.return_number])
    monkeypatch.setattr("retour.model.returns.return_number", lambda one: next(numbers, None) or return_number(one))
    if on == "the host's":
        engine = connect(desk._services.store.engine.url.render_as_string(hide_password=False))
        with engine.begin() as host:
            second = desk.request_return("1001", {"cup": 1}, by=CUSTOMER, request_id="form-2", connection=host)
        engine.dispose()
    else:
        second = desk.request_return("1001", {"cup": 1}, by=CUSTOMER, request_id="form-2")
    assert next(numbers, None) is None
    monkeypatch.undo()
    assert {one.number for one in desk.list_returns().returns} == {first.return_number, return_number(second.return_id)}
    assert len(desk.dossier("1001").returns) == 2


def test_where_every_number_is_taken_nothing_is_changed(desk: ReturnDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    first = desk.request_return("1001", {"cup": 1}, by=CUSTOMER, request_id="form-1")
    monkeypatch.setattr("retour.model.returns.return_number", lambda _: first.return_number)
    with pytest.raises(Busy):
        desk.request_return("1001", {"cup": 1}, by=CUSTOMER, request_id="form-2")
    monkeypatch.undo()
    assert list(desk.dossier("1001").returns) == [first.return_id]


def test_returns_of_before_there_were_numbers_get_theirs_when_the_database_is_migrated(
    bare_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = [name for _, name, _ in MIGRATIONS].index("the numbers of returns")
    engine = connect(bare_database)
    monkeypatch.setattr(migrations, "MIGRATIONS", MIGRATIONS[:place])
    migrate(engine)
    monkeypatch.undo()
    ids = [f"rt{number}" for number in range(1, 1203)]
    row = "VALUES (:shop, :id, '1001', 'received', 'nothing', '', 0, NULL, 0)"
    with engine.begin() as connection:
        for shop in ("north", "south"):
            connection.execute(text(f"INSERT INTO retour_return {row}"), [{"shop": shop, "id": one} for one in ids])
    migrate(engine)
    with engine.connect() as connection:
        rows: Any = connection.execute(text("SELECT shop, return_id, number FROM retour_return")).all()
    engine.dispose()
    assert {tuple(one) for one in rows} == {
        (shop, one, return_number(one)) for shop in ("north", "south") for one in ids
    }
