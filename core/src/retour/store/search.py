"""Which orders a typed text is about: one that is called so, or that begins with it. Bounded, whatever there is."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import Select, Text, and_, cast, literal_column, select, union_all
from sqlalchemy import text as sql

from retour.store import tables
from retour.store.database import Database

MOST_FOUND = 100
"""Orders that one search can find."""


class TooManyFound(Exception):
    """More than `MOST_FOUND` orders begin with a text, or are called so."""


class Search:
    """Finds orders of one database by what people and providers call them and what belongs to them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def orders(self, shop: str, typed: str, number: str | None) -> list[str]:
        """The orders that are meant by ``typed``, or by the ``number`` of a return that it can be: first those of which
        something is called exactly so, else those whose id or a reference begins with it. Raises `TooManyFound`."""
        return self._found(self._exactly(shop, typed, number)) or self._found(self._beginning(shop, typed))

    def _found(self, parts: list[Select[Any]]) -> list[str]:
        """The orders of all parts, each once, by one query."""
        limited = [
            select(literal_column(str(place)).label("place"), part.limit(MOST_FOUND + 1).subquery().c.order_id)
            for place, part in enumerate(parts)
        ]
        query = union_all(*limited)
        rows = self._database.read(lambda reader: reader.execute(query).all())
        found = list(dict.fromkeys([str(order_id) for _, order_id in rows]))
        if len(found) > MOST_FOUND or max(Counter(place for place, _ in rows).values(), default=0) > MOST_FOUND:
            raise TooManyFound
        return found

    def _exactly(self, shop: str, typed: str, number: str | None) -> list[Select[Any]]:
        of = {
            tables.dossier.c.order_id: typed,
            tables.return_.c.return_id: typed,
            tables.refund.c.refund_id: typed,
            tables.reference.c.reference: typed,
            **({tables.return_.c.number: number} if number is not None else {}),
        }
        parts = [_orders(column.table, shop).where(column == value) for column, value in of.items()]
        return [*parts, _refunds_with_a_reference(shop).where(tables.refund.c.reference == typed)]

    def _beginning(self, shop: str, typed: str) -> list[Select[Any]]:
        refund, reference = tables.refund.c, tables.reference.c
        return [
            _orders(tables.dossier, shop).where(self._begins(tables.dossier.c.order_id, typed)),
            _orders(tables.reference, shop).where(self._begins(reference.reference, typed)),
            _refunds_with_a_reference(shop).where(self._begins(refund.reference, typed)),
        ]

    def _begins(self, column: Any, typed: str) -> Any:
        """Whether a column's text begins with what was typed: as a range of an index, by code points."""
        least, most = (">=", "<") if self._database.dialect == "sqlite" else ("~>=~", "~<~")
        end = _after_all_that_begin_with(typed)
        begun = column.op(least, is_comparison=True)(cast(typed, Text))
        return begun if end is None else and_(begun, column.op(most, is_comparison=True)(cast(end, Text)))


def _orders(table: Any, shop: str) -> Select[Any]:
    return select(table.c.order_id).where(table.c.shop == shop)


def _refunds_with_a_reference(shop: str) -> Select[Any]:
    return _orders(tables.refund, shop).where(sql("retour_refund.reference <> ''"))  # so the index is found


_FIRST_SURROGATE, _AFTER_SURROGATES, _LAST = 0xD800, 0xE000, 0x10FFFF


def _after_all_that_begin_with(words: str) -> str | None:
    """The first text that comes after all texts that begin with ``words``, by code points; None where none does.

    >>> _after_all_that_begin_with("tr_9")
    'tr_:'
    """
    kept = words.rstrip(chr(_LAST))
    if not kept:
        return None
    following = ord(kept[-1]) + 1
    return kept[:-1] + chr(_AFTER_SURROGATES if following == _FIRST_SURROGATE else following)
