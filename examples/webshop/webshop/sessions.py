"""Who is let in, for how long, and who no longer. A browser has a key in its signed cookie; what it opens is in the
database, for every process that serves the shop, and so it can be ended from elsewhere."""

from __future__ import annotations

import datetime
import hashlib
import secrets
from collections.abc import Sequence

import attrs
from sqlalchemy import Engine, delete, insert, select

from retour import reading
from webshop import tables


@attrs.frozen(kw_only=True)
class Session:
    """One browser that is let in: ``holder`` is who it is, as in ``staff anna``."""

    id: str
    holder: str
    begun_at: datetime.datetime
    until: datetime.datetime


def begin(engine: Engine, holder: str, lasts: datetime.timedelta, by: str = "") -> str:
    """Let a browser in for as long as it ``lasts``; gives its key. ``by`` tells with what somebody showed who he is: a
    session of another one, as of a password that was changed, is over. Those that have ended are removed."""
    key, rows, now = secrets.token_urlsafe(32), tables.session, _now()
    with engine.begin() as connection:
        connection.execute(delete(rows).where(rows.c.until <= now))
        connection.execute(
            insert(rows).values(id=_id(key), holder=holder, let_in_by=by, begun_at=now, until=now + lasts)
        )
    return key


def find(engine: Engine, key: object, by: str = "") -> Session | None:
    """The session that a key opens; None where there is none, or no longer."""
    if not isinstance(key, str):
        return None
    rows = tables.session.c
    wanted = select(rows.id, rows.holder, rows.begun_at, rows.until)
    with reading(engine) as connection:
        row = connection.execute(
            wanted.where(rows.id == _id(key), rows.until > _now(), rows.let_in_by == by)
        ).one_or_none()
    return None if row is None else Session(**row._asdict())


def sessions_of(engine: Engine, holder: str, by: str = "") -> Sequence[Session]:
    """Every session of somebody, the newest first."""
    rows = tables.session.c
    wanted = select(rows.id, rows.holder, rows.begun_at, rows.until).where(
        rows.holder == holder, rows.until > _now(), rows.let_in_by == by
    )
    with reading(engine) as connection:
        found = connection.execute(wanted.order_by(rows.begun_at.desc(), rows.id).limit(50))
        return [Session(**row._asdict()) for row in found]


def end(engine: Engine, key: object) -> None:
    """The browser with this key is out."""
    if isinstance(key, str):
        with engine.begin() as connection:
            connection.execute(delete(tables.session).where(tables.session.c.id == _id(key)))


def end_all(engine: Engine, holder: str) -> None:
    """Every browser of somebody is out."""
    with engine.begin() as connection:
        connection.execute(delete(tables.session).where(tables.session.c.holder == holder))


def _id(key: str) -> str:
    """What the database knows of a key: who reads it there cannot use it."""
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
