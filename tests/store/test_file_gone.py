"""An SQLite file that is deleted, renamed or replaced under a running desk is noticed before anything is told or saved
that nobody else would ever see."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event

from retour import Actor, MemoryShop, ReturnDesk, StockMovement, StockState, StoreGone, connect
from retour.testing import a_line, an_order

ANNA = Actor.staff("anna")


def shop() -> MemoryShop:
    return MemoryShop([an_order(a_line("cup", 2))])


def return_one(desk: ReturnDesk, **more: Any) -> object:
    return desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="form", **more)


DOINGS: dict[str, Callable[[ReturnDesk], object]] = {
    "a command": return_one,
    "the history": lambda desk: desk.dossier("1001"),
    "a list": lambda desk: desk.list_returns(),
    "who paid": lambda desk: desk.find_order("mollie", "tr_1"),
    "work": lambda desk: desk.work(),
    "again what was set aside": lambda desk: desk.retry_set_aside("1001", by=ANNA),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where ``retour.db`` is, a backup of it, and a link to it."""
    for name in ("retour.db", "backup.db"):
        ReturnDesk(shop=shop(), store=f"sqlite:///{tmp_path}/{name}").close()
    (tmp_path / "link.db").symlink_to("retour.db")
    return tmp_path


@pytest.fixture
def desk(folder: Path) -> Iterator[ReturnDesk]:
    """A desk that has worked already."""
    made = ReturnDesk(shop=shop(), store=f"sqlite:///{folder}/retour.db")
    made.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="first")
    yield made
    made.close()


def delete(folder: Path) -> None:
    (folder / "retour.db").unlink()


def rename(folder: Path) -> None:
    (folder / "retour.db").rename(folder / "old.db")


def restore(folder: Path) -> None:
    (folder / "backup.db").rename(folder / "retour.db")


def clean_up(folder: Path) -> None:
    (folder / "retour.db-wal").unlink()
    (folder / "retour.db-shm").unlink()


HAPPENS = [delete, rename, restore, clean_up]


@pytest.mark.parametrize("doing", DOINGS)
@pytest.mark.parametrize("happens", HAPPENS)
def test_whatever_is_asked_of_a_file_that_is_gone_is_refused(
    desk: ReturnDesk, folder: Path, happens: Callable[[Path], None], doing: str
) -> None:
    happens(folder)
    there = (folder / "retour.db").read_bytes() if (folder / "retour.db").exists() else None
    with pytest.raises(StoreGone, match=r"database file .*retour\.db.*start again") as caught:
        DOINGS[doing](desk)
    assert caught.value.text("nl") != caught.value.text("en")
    assert there == ((folder / "retour.db").read_bytes() if (folder / "retour.db").exists() else None)


def test_no_empty_file_is_made_in_the_place_of_one_that_is_gone(desk: ReturnDesk, folder: Path) -> None:
    desk._services.store.engine.dispose()  # so that the next connection is a new one
    delete(folder)
    for doing in DOINGS.values():
        with pytest.raises(StoreGone):
            doing(desk)
    assert not (folder / "retour.db").exists()


@pytest.mark.parametrize("happens", HAPPENS)
def test_a_file_that_goes_before_the_commit_takes_nothing_that_was_told_as_saved(
    desk: ReturnDesk, folder: Path, happens: Callable[[Path], None]
) -> None:
    happened: list[object] = []

    @event.listens_for(desk._services.store.engine, "before_cursor_execute")
    def now(_: Any, __: Any, statement: str, *___: Any) -> None:
        if statement.startswith("INSERT INTO retour_event") and not happened:
            happened.append(happens(folder))

    with pytest.raises(StoreGone):
        return_one(desk)
    assert happened


def test_a_file_that_goes_while_stock_is_booked_leaves_an_outcome_and_refuses_what_follows(folder: Path) -> None:
    class Replaced(MemoryShop):
        def book_stock(self, movements: Sequence[StockMovement]) -> None:
            super().book_stock(movements)
            restore(folder)

    desk = ReturnDesk(shop=Replaced([an_order(a_line("cup", 2))]), store=f"sqlite:///{folder}/retour.db")
    outcome: Any = return_one(desk)
    assert outcome.changed
    with pytest.raises(StoreGone):
        desk.dossier("1001")
    desk.close()


def test_the_same_file_put_back_is_gone_on_with(desk: ReturnDesk, folder: Path) -> None:
    rename(folder)
    with pytest.raises(StoreGone):
        return_one(desk)
    (folder / "old.db").rename(folder / "retour.db")
    return_one(desk)
    (one, other) = desk.dossier("1001").returns.values()
    assert [one.stock, other.stock] == [StockState.APPLIED] * 2


def test_a_backup_is_opened_by_who_starts_again(desk: ReturnDesk, folder: Path) -> None:
    restore(folder)
    with pytest.raises(StoreGone):
        return_one(desk)
    desk.close()
    for left in folder.glob("retour.db-*"):
        left.unlink()
    again = ReturnDesk(shop=shop(), store=f"sqlite:///{folder}/retour.db")
    assert again.dossier("1001").version == 0
    again.close()


def test_a_hosts_own_transaction_is_told_too(desk: ReturnDesk, folder: Path) -> None:
    engine = connect(f"sqlite:///{folder}/retour.db")
    with engine.connect() as connection:
        connection.begin()
        restore(folder)
        with pytest.raises(StoreGone):
            return_one(desk, connection=connection)
    engine.dispose()


@pytest.mark.parametrize("make", [connect, create_engine], ids=["our engine", "the host's engine"])
@pytest.mark.parametrize(
    "spelling", ["retour.db", "{}/retour.db", "file:retour.db?uri=true", "file:{}/retour.db?uri=true", "link.db"]
)
def test_however_the_file_is_called_it_is_the_one_that_was_opened(
    folder: Path, make: Callable[[str], Engine], spelling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    engine = make(f"sqlite:///{spelling.format(folder)}")
    desk = ReturnDesk(shop=shop(), store=engine)
    return_one(desk)
    (folder / "elsewhere").mkdir()
    os.chdir(folder / "elsewhere")
    desk.dossier("1001")
    restore(folder)
    with pytest.raises(StoreGone):
        desk.dossier("1001")
    assert list((folder / "elsewhere").iterdir()) == []
    engine.dispose()


def test_a_link_that_points_elsewhere_is_another_file(folder: Path) -> None:
    desk = ReturnDesk(shop=shop(), store=f"sqlite:///{folder}/link.db")
    (folder / "link.db").unlink()
    (folder / "link.db").symlink_to("backup.db")
    with pytest.raises(StoreGone):
        return_one(desk)
    desk.close()


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?mode=memory&cache=shared&uri=true"]
)
def test_a_database_in_memory_has_no_file_to_lose(url: str) -> None:
    desk = ReturnDesk(shop=shop(), store=url)
    return_one(desk)
    assert len(desk.dossier("1001").returns) == 1
    desk.close()


def test_a_copy_beside_it_changes_nothing(desk: ReturnDesk, folder: Path) -> None:
    shutil.copy(folder / "retour.db", folder / "copy.db")
    return_one(desk)
    assert len(desk.dossier("1001").returns) == 2
