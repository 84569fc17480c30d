"""What starts the least: a process that imports SQLAlchemy and connects, beside which the partners' starts are put.

``python -m benchmarks.whole_return.connecting URL``
"""

from __future__ import annotations

import sys
import time

import sqlalchemy

from benchmarks.partner import answer


def main(url: str) -> None:
    """Connect, and say so to each question."""
    with sqlalchemy.create_engine(url).connect():
        answer(lambda: {"life": time.process_time()})


if __name__ == "__main__":
    main(sys.argv[1])
