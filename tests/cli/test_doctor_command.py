"""`retour doctor`: what cannot be read, why, and who has set it aside."""

from __future__ import annotations

import getpass
import logging
import re
import shlex
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import create_engine, text

from retour import Actor, MemoryShop, ReturnDesk
from retour.store import migrations
from retour.store.connect import connect
from retour.testing import a_line, an_order

Run = Callable[..., Result]
ANNA = Actor.staff("anna")


@pytest.fixture
def desk(sqlite_url: str, caplog: pytest.LogCaptureFixture) -> Iterator[ReturnDesk]:
    """Two shops with three orders each; a stock booking of each waits."""
    caplog.set_level(logging.CRITICAL, "retour")
    ids = ["1001", "1002", "it's 1003"]
    shops = {shop: MemoryShop([an_order(a_line("cup", 2), order_id=one) for one in ids]) for shop in ("north", "south")}
    made = ReturnDesk(shop=lambda shop: shops[shop], store=sqlite_url, shop_id="north", inline_seconds=0)
    for shop in shops:
        for one in ids:
            made.for_shop(shop).mark_returned(one, by=ANNA)
    yield made
    made.close()


def change(desk: ReturnDesk, statement: str, **values: Any) -> None:
    with desk._services.store.engine.begin() as connection:
        assert connection.execute(text(statement), values).rowcount


def spoil(desk: ReturnDesk, order: str, shop: str = "north", version: int = 99) -> None:
    change(
        desk,
        "UPDATE retour_event SET version = :version WHERE order_id = :order AND shop = :shop AND seq = 2",
        order=order,
        shop=shop,
        version=version,
    )


@pytest.fixture
def doctor(run: Run, sqlite_url: str) -> Run:
    return lambda *options, **more: run("doctor", "--db", sqlite_url, *options, **more)


def test_nothing_is_found_in_a_store_in_which_everything_reads(desk: ReturnDesk, doctor: Run) -> None:
    for options in ((), ("--all",)):
        said = doctor(*options)
        assert (said.exit_code, said.stdout) == (0, "Nothing was found.\n")


def test_what_a_worker_met_is_listed_with_its_row_the_reason_and_what_can_be_done(
    desk: ReturnDesk, doctor: Run
) -> None:
    spoil(desk, "1001")
    change(desk, "UPDATE retour_effect SET body = 'a@example.org' WHERE order_id = '1002' AND shop = 'south'")
    desk.work()
    said = doctor()
    assert said.exit_code == 1
    assert "shop north, order 1001, known since " in said.stdout
    assert "  event 2 (goods_received, version 99): a newer retour wrote it" in said.stdout
    assert "  Upgrade retour. " in said.stdout
    assert re.search(
        r"shop south, order 1002.*\n  effect ef\w+ \(book_stock\): what was stored of it is damaged", said.stdout
    )
    assert "2 orders, of which 0 set aside" in said.stdout
    assert "example" not in said.stdout
    assert "winkel north, bestelling 1001, bekend sinds" in doctor("--lang", "nl").stdout
    assert "north" not in doctor("--shop", "south").stdout


def test_what_nobody_has_met_is_found_by_reading_everything(desk: ReturnDesk, doctor: Run) -> None:
    spoil(desk, "it's 1003", "south")
    assert doctor().exit_code == 0
    assert doctor("--all", "--shop", "north").exit_code == 0
    assert "shop south, order it's 1003" in doctor("--all").stdout
    assert doctor().exit_code == 1, "it is known from then on"


def test_it_is_set_aside_and_taken_back_by_the_commands_that_it_prints(desk: ReturnDesk, doctor: Run, run: Run) -> None:
    spoil(desk, "it's 1003")
    said = doctor("--all")

    def printed(name: str, said: Result, *words: str) -> Result:
        (line,) = [line for line in said.stdout.splitlines() if f"retour doctor {name}" in line]
        given = iter(words)
        return run(*[next(given) if one == "…" else one for one in shlex.split(line)[1:]])

    done = printed("set-aside", said, "anna", "the supplier is asked")
    assert (done.exit_code, done.stdout.splitlines()) == (
        0,
        ["Order it's 1003 is set aside. 1 effect of it waits until it is taken back."],
    )
    quiet = doctor()
    assert quiet.exit_code == 0
    assert "anna set the order aside on" in quiet.stdout
    assert "1 order, of which 1 set aside" in quiet.stdout
    assert desk.work().failed == 0

    spoil(desk, "it's 1003", version=1)
    again = doctor()
    assert again.exit_code == 1
    assert "It reads again" in again.stdout
    assert printed("take-back", again, "bob").exit_code == 0
    assert doctor().stdout == "Nothing was found.\n"
    assert desk.work().done == 1


def test_what_is_wrong_with_setting_aside_is_said_in_a_sentence(desk: ReturnDesk, run: Run, sqlite_url: str) -> None:
    one = ["--db", sqlite_url, "--shop", "north", "--order", "1001", "--by", "anna"]
    for options, words in {
        ("set-aside", *one, "--because", "so"): "Order 1001 can be read",
        ("take-back", *one): "Nobody has set order 1001 aside.",
        ("take-back", *one, "--lang", "nl"): "Niemand heeft bestelling 1001 opzijgezet.",
        ("set-aside", *one): "Missing option '--because'",
        (): "Missing option '--db'",
    }.items():
        said = run("doctor", *options)
        assert said.exit_code == 2
        assert words in said.stderr


def test_what_is_set_aside_is_tried_again_by_name(desk: ReturnDesk, run: Run, sqlite_url: str) -> None:
    change(desk, "UPDATE retour_effect SET not_before = 300000000000000000 WHERE order_id = '1002' AND shop = 'north'")
    one = ["--db", sqlite_url, "--shop", "north", "--order", "1002", "--by", "anna"]
    said = run("doctor", "retry", *one)
    assert (said.exit_code, said.stdout) == (0, "Order 1002: 1 effect is tried again.\n")
    told = desk.for_shop("north").timeline("1002")[-1]
    assert (told.by.id, told.text("en")) == (
        "anna",
        "Tried again, after it was set aside: booking the stock in the shop",
    )
    assert "0 acties worden weer geprobeerd" in run("doctor", "retry", *one, "--lang", "nl").stdout
    assert "Missing option '--by'" in run("doctor", "retry", *one[:-2]).stderr


def test_what_else_a_developer_has_to_look_at_is_listed(desk: ReturnDesk, doctor: Run, sqlite_url: str) -> None:
    desk._services.store.note_problem("north", "webhooks of acme", "plugin acme failed")
    change(desk, "UPDATE retour_effect SET kind = 'print_label' WHERE order_id = '1001'")
    change(
        desk,
        "UPDATE retour_effect SET died = 3, owner = 'wk', lease_until = 0 WHERE order_id = '1002' AND shop = 'north'",
    )
    desk.work()
    said = doctor()
    assert said.exit_code == 1
    assert "shop north, webhooks of acme: plugin acme failed (1 time, last on " in said.stdout
    assert "2 effects of kind print_label are left alone: a newer retour made them." in said.stdout
    assert "shop north, order 1002: effect book_stock of" in said.stdout
    assert "is set aside: it ended 4 processes;" in said.stdout
    assert f"retour doctor retry --db {sqlite_url} --shop north --order 1002 --by '…'" in said.stdout
    assert "acme" not in doctor("--shop", "south").stdout
    change(desk, "UPDATE retour_problem SET last_at = 0")
    assert "acme" not in doctor().stdout


def test_tables_that_are_not_those_of_this_retour_are_told_and_nothing_else(run: Run, url: str) -> None:
    engine = connect(url)
    with pytest.MonkeyPatch.context() as before:
        before.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:5])
        migrations.migrate(engine)
    engine.dispose()
    said = run("doctor", "--db", url)
    assert said.exit_code == 1
    assert "Run: retour db upgrade" in said.stdout
    assert run("doctor", "--db", "sqlite:///not-there.db").exit_code == 2


@pytest.mark.postgresql
def test_the_password_is_in_nothing_that_is_printed(postgresql: str, run: Run) -> None:
    server = create_engine(postgresql).url
    named = server.set(username=server.username or getpass.getuser(), password="topsecret")
    url = named.render_as_string(hide_password=False)
    desk = ReturnDesk(shop=MemoryShop([an_order(a_line("cup", 2))]), store=url, migrate=True, inline_seconds=0)
    desk.mark_returned("1001", by=ANNA)
    with desk._services.store.engine.begin() as connection:
        connection.execute(text("UPDATE retour_event SET version = 99 WHERE seq = 2"))
    desk.close()
    said = run("doctor", "--db", url, "--all")
    assert said.exit_code == 1
    assert "retour doctor set-aside --db 'postgresql+psycopg://" in said.stdout
    assert "topsecret" not in said.stdout + said.stderr


def test_reading_everything_keeps_no_more_than_a_page_in_hand(
    desk: ReturnDesk, doctor: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retour.store.store._PAGE", 2)
    monkeypatch.setattr("retour.desk.doctor._PAGE", 2)
    for shop in ("north", "south"):
        for one in ("1001", "1002", "it's 1003"):
            spoil(desk, one, shop)
    said = doctor("--all")
    assert len(re.findall("^shop ", said.stdout, re.MULTILINE)) == 6
