"""On PostgreSQL a commit is one statement, whose text psycopg keeps."""

from __future__ import annotations

import pytest
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from retour.store import commit
from retour.store.prepared import insert_of
from retour.store.rows import RowsOf

INTENT = (commit._EVENTS, commit._RETURNS, commit._REFUNDS, commit._REFERENCES, commit._EFFECTS)
OUTCOME_OF_A_REFUND = (commit._EVENTS, commit._REFUNDS, commit._EFFECTS)
OUTCOME_OF_A_BOOKING = (commit._EVENTS, commit._RETURNS, commit._EFFECTS)


@pytest.mark.parametrize(
    "kinds, settles",
    [(INTENT, False), (OUTCOME_OF_A_REFUND, True), (OUTCOME_OF_A_BOOKING, True)],
    ids=["an intent", "what became of a refund", "what became of a booking"],
)
def test_the_driver_looks_at_its_text_once(kinds: tuple[RowsOf, ...], settles: bool) -> None:
    """A longer text, or one with more values, it takes apart for each commit anew."""
    psycopg = pytest.importorskip("psycopg._queries")
    statement = commit._MOVING_ON._all("postgresql", insert_of("postgresql"), settles, kinds)
    compiled = statement.compile(dialect=PGDialect_psycopg())
    assert len(str(compiled)) <= psycopg.MAX_CACHED_STATEMENT_LENGTH
    assert len(compiled.params) <= psycopg.MAX_CACHED_STATEMENT_PARAMS
