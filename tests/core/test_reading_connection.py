"""What a host reads on our engine waits for no writer, and keeps none from writing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from retour import connect, reading
from retour.store import connect as connecting


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    engine = connect(database)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS of_the_host"))
        connection.execute(text("CREATE TABLE of_the_host (id INTEGER)"))
        connection.execute(text("INSERT INTO of_the_host VALUES (1)"))
    yield engine
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE of_the_host"))
    engine.dispose()


def test_a_read_waits_for_no_writer_and_sees_what_was_committed(engine: Engine) -> None:
    with engine.begin() as writer:
        writer.execute(text("INSERT INTO of_the_host VALUES (2)"))
        with reading(engine) as reader:
            assert reader.execute(text("SELECT count(*) FROM of_the_host")).scalar_one() == 1


def test_a_writer_waits_for_no_read(engine: Engine) -> None:
    with reading(engine) as reader:
        reader.execute(text("SELECT count(*) FROM of_the_host")).scalar_one()
        with engine.begin() as writer:
            writer.execute(text("INSERT INTO of_the_host VALUES (2)"))
        with reading(engine) as later:
            assert later.execute(text("SELECT count(*) FROM of_the_host")).scalar_one() == 2


def test_each_transaction_of_a_read_waits_for_nobody_and_the_next_use_of_its_connection_is_a_writers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "SECONDS_TO_WAIT", 0.05)
    engine = connect(f"sqlite:///{tmp_path / 'host.db'}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE of_the_host (id INTEGER)"))
    with engine.connect() as other, reading(engine) as reader:
        other.begin()
        for _ in range(2):
            assert reader.execute(text("SELECT count(*) FROM of_the_host")).scalar_one() == 0
            reader.rollback()
        other.rollback()
    pooled = [engine.connect() for _ in range(2)]
    pooled[0].begin()
    with pytest.raises(OperationalError, match="locked"):
        pooled[1].begin()
    for connection in pooled:
        connection.close()
    engine.dispose()


@pytest.mark.parametrize("given_back_by_hand", [False, True])
def test_after_a_read_its_connection_commits_nothing_by_itself(engine: Engine, given_back_by_hand: bool) -> None:
    with reading(engine) as reader:
        reader.execute(text("SELECT count(*) FROM of_the_host")).scalar_one()
        if given_back_by_hand:
            reader.close()
            with engine.connect() as writer:
                writer.execute(text("INSERT INTO of_the_host VALUES (2)"))
                writer.rollback()
    with engine.connect() as writer:
        writer.execute(text("INSERT INTO of_the_host VALUES (2)"))
        writer.rollback()
        assert writer.execute(text("SELECT count(*) FROM of_the_host")).scalar_one() == 1


def prepared_on(engine: Engine) -> int:
    """How many statements the server has ready for the one connection of an engine, which read something thereafter."""
    with reading(engine) as reader:
        reader.execute(text("SELECT count(*) FROM of_the_host")).scalar_one()
        found: int = reader.execute(text("SELECT count(*) FROM pg_prepared_statements")).scalar_one()
    return found


@pytest.mark.postgresql
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_what_was_prepared_for_writers_stays_prepared_where_somebody_reads(engine: Engine) -> None:
    """The driver forgets all of it with each transaction that is rolled back, as one of `Engine.connect` is."""
    for number in range(10):
        with engine.begin() as writer:
            writer.execute(text("INSERT INTO of_the_host VALUES (:number)"), {"number": number})
    assert prepared_on(engine) == 1
    with engine.connect() as reader:
        reader.execute(text("SELECT count(*) FROM of_the_host")).scalar_one()
    assert prepared_on(engine) == 0


def test_without_it_a_read_is_a_writer_on_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else nobody would need it."""
    monkeypatch.setattr(connecting, "SECONDS_TO_WAIT", 0.05)
    engine = connect(f"sqlite:///{tmp_path / 'host.db'}")
    with engine.begin() as writer, engine.connect() as other:
        writer.execute(text("CREATE TABLE of_the_host (id INTEGER)"))
        with pytest.raises(OperationalError, match="locked"):
            other.execute(text("SELECT 1"))
    engine.dispose()
