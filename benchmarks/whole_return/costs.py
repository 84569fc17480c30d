"""What one return costs the database: statements, transactions, commits."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import Engine

from benchmarks.recording import Recorder


def counted(engine: Engine, work: Callable[[], object]) -> Mapping[str, int]:
    """What ``work`` sends over an engine. ``host`` are the statements that are about none of retour's tables."""
    recorder = Recorder(engine)
    work()
    transactions = recorder.take()
    recorder.stop()
    statements = [one for transaction in transactions for one in transaction.statements]
    return {
        "statements": len(statements),
        "host": sum(not one.table for one in statements),
        "transactions": len(transactions),
        "commits": sum(one.ended == "commit" for one in transactions),
    }
