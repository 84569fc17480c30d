"""`retour demo --ask`: a person answers the question about the stock."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from retour.cli import demo_cases

Run = Callable[..., Result]


@pytest.fixture
def teapot(tmp_path: Path) -> str:
    """A file with one order: a teapot and two cups, paid outside any provider, so that it runs "several, OK"."""
    orders = json.loads(Path(demo_cases.__file__).with_name("orders.json").read_text())
    [order] = [one for one in orders if one["id"] == "1002"]
    path = tmp_path / "teapot.json"
    path.write_text(json.dumps([{**order, "payments": []}]))
    return str(path)


@pytest.mark.parametrize(
    "typed, restocked, by_hand, shown",
    [
        ("1\n", 3, 0, "→ OK – restock everything"),
        ("OK\n", 3, 0, "→ OK – restock everything"),
        ("2\n", 0, 3, "→ Cancel – I will restock myself"),
        ("annuleren\n", 0, 3, "→ Cancel – I will restock myself"),
        ("3\n1\n1\n", 2, 1, "→ Choose per product: 1 of 1 × Theepot, 1 of 2 × Kop"),
        ("kies\n0\n0\n", 0, 3, "→ Cancel – I will restock myself"),
    ],
)
def test_the_answer_decides_what_goes_back_in_stock(
    run: Run, url: str, teapot: str, typed: str, restocked: int, by_hand: int, shown: str
) -> None:
    result = run("demo", "--ask", "--db", url, "--orders", teapot, typed=typed)
    assert result.exit_code == 0, result.output
    assert shown in result.stdout
    [row] = [line for line in result.stdout.splitlines() if line.startswith("several products, OK ")]
    assert row.split()[4:7] == ["3", str(restocked), str(by_hand)]


@pytest.mark.parametrize("wrong", ["", "yes", "4", "-1"])
def test_a_wrong_answer_is_asked_again(run: Run, url: str, teapot: str, wrong: str) -> None:
    result = run("demo", "--ask", "--db", url, "--orders", teapot, typed=f"{wrong}\n1\n")
    assert result.exit_code == 0
    assert "That is none of the three; type 1, 2 or 3." in result.stdout


@pytest.mark.parametrize("wrong", ["", "two", "3", "-1", "1.5", "²", "99999999999999999999"])
def test_a_wrong_number_of_units_is_asked_again(run: Run, url: str, teapot: str, wrong: str) -> None:
    result = run("demo", "--ask", "--db", url, "--orders", teapot, typed=f"3\n1\n{wrong}\n2\n")
    assert result.exit_code == 0
    assert "Type a whole number from 0 to 2." in result.stdout
    assert "1 of 1 × Theepot, 2 of 2 × Kop" in result.stdout


def test_without_anybody_to_answer_it_ends_with_what_to_do(run: Run, url: str, teapot: str) -> None:
    result = run("demo", "--ask", "--db", url, "--orders", teapot, typed="")
    assert result.exit_code == 2
    assert "Order 1002 is saved as Returned, but its question about the stock has no answer" in result.stderr
    assert f"retour demo --orders {teapot} --db {url}" in result.stderr
    assert "Traceback" not in result.output


def test_the_next_run_takes_up_an_order_whose_question_was_left_open(
    run: Run, url: str, teapot: str, events: Callable[[], int]
) -> None:
    run("demo", "--ask", "--db", url, "--orders", teapot, typed="")
    before = events()
    result = run("demo", "--ask", "--db", url, "--orders", teapot, typed="1\n")
    assert result.exit_code == 0, result.output
    assert "OK: 3 units to stock" in result.stdout
    assert events() > before
    assert "already returned, nothing booked twice" in run("demo", "--db", url, "--orders", teapot).stdout.lower()


def test_in_dutch_the_person_is_asked_in_dutch(run: Run, url: str, teapot: str) -> None:
    result = run("demo", "--ask", "--db", url, "--orders", teapot, "--lang", "nl", typed="x\n3\n1\n2\n")
    assert "Antwoord 1 (OK), 2 (Annuleren) of 3 (per product):" in result.stdout
    assert "Dat is geen van de drie; typ 1, 2 of 3." in result.stdout
    assert "Kop: hoeveel van de 2 terug op voorraad?" in result.stdout
