"""What somebody wants to see of a list, and how much of it at once."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

from retour.model.errors import InvalidArgument
from retour.model.fields import shown
from retour.model.frozen import frozen
from retour.model.text import text
from retour.store.pages import PageWanted


@frozen(kw_only=True)
class Filters:
    """What somebody wants to see of a list: rows with one of these values in each of the ``columns``; returns for a
    ``reason``; what was opened in a period; what is called as somebody typed."""

    columns: Mapping[str, str | Sequence[str] | None]
    reason: str | Sequence[str] | None = None
    opened_from: datetime.datetime | None = None
    opened_before: datetime.datetime | None = None
    search: str | None = None


def check_page(limit: int, page: PageWanted | None = None) -> None:
    """Raise `InvalidArgument` for what is no size of a page, and for one that is to be in two places."""
    if page is not None and page.after is not None and page.before is not None:
        raise InvalidArgument(
            text("A page is after a row or before one: give the next of a page as after, or its previous as before.")
        )
    if type(limit) is not int or not 1 <= limit <= 500:
        raise InvalidArgument(text("A page holds 1 to 500 rows, not {limit}.", limit=shown(limit)))
