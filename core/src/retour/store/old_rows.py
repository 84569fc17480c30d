"""Rows of lists that were made before their details were kept: which there are, and how they get them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select, union
from sqlalchemy import text as sql

from retour.store import tables
from retour.store.commit import ListRows, complete, pass_by
from retour.store.database import Database

_BY_WHAT_THEY_LACK = ((tables.return_, "details"), (tables.refund, "details"))
"""The rows by which a list would leave some out, and the column that says so."""

_ALL = ((tables.dossier, "amounts"), *_BY_WHAT_THEY_LACK)


class OldRows:
    """Rows of one database that lack their details."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def orders(self, shop: str | None, most: int, *, all_kinds: bool) -> list[tuple[str, str]]:
        """Up to so many orders with such rows, of all shops or of one: of ``all_kinds``, or those that a list of
        returns or refunds by what they lack would leave out. Shop and order."""
        parts = []
        for table, column in _ALL if all_kinds else _BY_WHAT_THEY_LACK:
            place = table.c.shop, table.c.order_id
            query = select(*place).where(sql(f"{table.name}.{column} = ''"))  # so its index is found
            query = query if shop is None else query.where(table.c.shop == shop)
            parts.append(select(query.order_by(*place).limit(most).subquery()))
        found = union(*parts).order_by("shop", "order_id").limit(most)
        rows: Sequence[Any] = self._database.read(lambda reader: reader.execute(found).all())
        return [(row[0], row[1]) for row in rows]

    def complete(self, found: Sequence[ListRows], unreadable: Sequence[tuple[str, str]]) -> None:
        """Give rows what they lack, in one transaction; those of orders that are ``unreadable`` are passed by. An order
        that has moved on since is left for the next time."""

        def write(own: Connection) -> None:
            for rows in sorted(found, key=lambda one: (one.shop, one.order_id)):  # as all who take several orders do
                complete(own, rows)
            for shop, order_id in unreadable:
                pass_by(own, shop, order_id)

        if found or unreadable:
            self._database.write_what_can_be_repeated(write)
