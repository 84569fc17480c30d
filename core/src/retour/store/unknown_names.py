"""What webhooks say of payments that nobody knows by the name they use: kept until the provider was asked for others.

A bounded number waits for each account, and is asked about one after the other, what was signed first.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, case, delete, func, select, tuple_, update

from retour.model.frozen import frozen
from retour.store import tables
from retour.store.clock import SECOND, as_datetime, database_now
from retour.store.database import Database
from retour.store.prepared import insert_of

MOST_SIGNED, MOST_UNSIGNED = 1000, 100
"""What waits for one account at most: what was signed, and what anybody can send."""

BETWEEN_QUESTIONS = 6 * SECOND
"""Microseconds from one question to the next of one account: ten a minute."""

REMEMBERED = 3600 * SECOND
"""Microseconds for which a name that the provider does not know is not asked about again."""

_FOR_ONE_TRY = 300 * SECOND
_MOST_DOUBLED = 8
"""Microseconds until a question that never came to an end is asked again, and how often that is doubled: a provider's
code, or a shop's, that never returns for it has ended the process, or will."""


class TooManyUnknown(Exception):
    """As many wait for this account as may: nothing was kept."""


@frozen(kw_only=True)
class UnknownName:
    """Something said of a payment with one of these ``names``, which neither we nor the shop know. ``identity`` is the
    same when it is said again; ``told`` is what a signed webhook said, as JSON, empty for a hint."""

    shop: str
    provider: str
    account: str
    mode: str
    identity: str
    names: Sequence[str]
    told: str = ""
    signed: bool = False
    since: datetime.datetime | None = None
    tries: int = 0

    @property
    def of_account(self) -> dict[str, str]:
        """Whose webhook said it."""
        return {"shop": self.shop, "provider": self.provider, "account": self.account, "mode": self.mode}


class UnknownNames:
    """Those of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._now: Any = database_now(database.dialect)

    def keep(self, one: UnknownName) -> bool:
        """Keep it until the provider was asked; False where it was asked less than an hour ago, and knew nothing.
        Raises `TooManyUnknown`."""
        return self._database.write_what_can_be_repeated(lambda own: self._keep(own, one))

    def _keep(self, own: Connection, one: UnknownName) -> bool:
        account, kept = tables.unknown_account, tables.unknown_name
        self._insert(own, account, {**one.of_account, "next_at": 0, "signed": 0, "unsigned": 0})
        number = account.c.signed if one.signed else account.c.unsigned
        most = MOST_SIGNED if one.signed else MOST_UNSIGNED
        here = and_(*[account.c[name] == value for name, value in one.of_account.items()])
        waiting = own.execute(select(number).where(here).with_for_update()).scalar_one()
        there = and_(
            *[kept.c[name] == value for name, value in one.of_account.items()], kept.c.identity == one.identity
        )
        asked = own.execute(select(kept.c.asked_at, self._now, kept.c.signed).where(there)).first()
        if asked is not None and asked[0] == 0:
            if one.signed:
                self._say_again(own, here, there, was_signed=bool(asked[2]))
            return True
        if asked is not None and asked[1] - asked[0] < REMEMBERED:
            return False
        if waiting >= most:
            raise TooManyUnknown
        self._not_after_those_put_off(own, here)
        own.execute(delete(kept).where(there))
        values = {"names": json.dumps(list(one.names)), "told": one.told, "signed": int(one.signed), "tries": 0}
        own.execute(
            kept.insert().values(
                **one.of_account, identity=one.identity, **values, since=self._now, not_before=self._now, asked_at=0
            )
        )
        own.execute(update(account).where(here).values({number: number + 1}))
        return True

    def _say_again(self, own: Connection, here: Any, there: Any, *, was_signed: bool) -> None:
        """What waits was said again with a signature: however long it was put off, it is asked about in some minutes,
        while whoever may be asking at this moment has his time."""
        account, kept = tables.unknown_account, tables.unknown_name
        soon = self._now + _FOR_ONE_TRY
        sooner = case((kept.c.not_before > soon, soon), else_=kept.c.not_before)
        own.execute(update(kept).where(there).values(not_before=sooner, signed=1))
        if not was_signed:
            number = {"signed": account.c.signed + 1, "unsigned": account.c.unsigned - 1}
            own.execute(update(account).where(here).values(number))
        self._not_after_those_put_off(own, here)

    def _not_after_those_put_off(self, own: Connection, here: Any) -> None:
        """An account whose names were all put off is asked about a new one as soon as its pace allows."""
        account = tables.unknown_account
        next_one = self._now + BETWEEN_QUESTIONS
        own.execute(update(account).where(here, account.c.next_at > next_one).values(next_at=next_one))

    def take(self) -> UnknownName | None:
        """The next to ask about, of an account whose turn it is; None where there is none. Nobody else takes it for
        some minutes, nor another of its account for some seconds."""
        account = tables.unknown_account.c
        due = and_(account.signed + account.unsigned > 0, account.next_at <= self._now)
        if self._database.read(lambda reader: reader.execute(select(account.shop).where(due).limit(1)).first()) is None:
            return None
        return self._database.write_what_can_be_repeated(lambda own: self._take(own, due))

    def _take(self, own: Connection, due: Any) -> UnknownName | None:
        account, kept = tables.unknown_account, tables.unknown_name
        key = (account.c.shop, account.c.provider, account.c.account, account.c.mode)
        first = select(*key).where(due).order_by(account.c.next_at).limit(1).with_for_update(skip_locked=True)
        turn = (
            update(account)
            .where(tuple_(*key).in_(first))
            .values(next_at=self._now + BETWEEN_QUESTIONS)
            .returning(*key, self._now)
        )
        whose = own.execute(turn).first()
        if whose is None:
            return None
        *names, now = whose
        here = [kept.c[name] == value for name, value in zip(_ACCOUNT, names, strict=True)]
        oldest = (
            select(kept)
            .where(*here, kept.c.asked_at == 0, kept.c.not_before <= now)
            .order_by(kept.c.signed.desc(), kept.c.tries, kept.c.since, kept.c.identity)
            .limit(1)
        )
        row = own.execute(oldest).mappings().first()
        if row is None:
            earliest = select(func.min(kept.c.not_before)).where(*here, kept.c.asked_at == 0).scalar_subquery()
            own.execute(
                update(account)
                .where(*[account.c[name] == value for name, value in zip(_ACCOUNT, names, strict=True)])
                .values(next_at=func.coalesce(earliest, self._now))
            )
            return None
        own.execute(
            update(kept)
            .where(*here, kept.c.identity == row["identity"])
            .values(tries=kept.c.tries + 1, not_before=now + (_FOR_ONE_TRY << min(row["tries"], _MOST_DOUBLED)))
        )
        return UnknownName(
            **{name: row[name] for name in _ACCOUNT},
            identity=row["identity"],
            names=tuple(json.loads(row["names"])),
            told=row["told"],
            signed=bool(row["signed"]),
            since=as_datetime(row["since"]),
            tries=row["tries"],
        )

    def put_off(self, one: UnknownName, pause: datetime.timedelta) -> None:
        """Ask about it again after ``pause``: the provider or the shop could not be asked now."""
        columns = tables.unknown_name.c
        later = (
            update(tables.unknown_name)
            .where(*self._of(columns, one), columns.asked_at == 0)
            .values(not_before=self._now + int(pause.total_seconds() * SECOND))
        )
        self._database.write_what_can_be_repeated(lambda own: own.execute(later))

    def end(self, one: UnknownName, *, found: bool) -> None:
        """It was asked about: forgotten where its order was ``found``, else remembered for an hour. What was to be
        remembered for so long is forgotten with it."""
        self._database.write_what_can_be_repeated(lambda own: self._end(own, one, found=found))

    def _end(self, own: Connection, one: UnknownName, *, found: bool) -> None:
        account, kept = tables.unknown_account, tables.unknown_name
        waits = and_(*self._of(kept.c, one), kept.c.asked_at == 0)
        ended = delete(kept).where(waits) if found else update(kept).where(waits).values(asked_at=self._now)
        if own.execute(ended).rowcount == 1:
            number = account.c.signed if one.signed else account.c.unsigned
            here = [account.c[name] == value for name, value in one.of_account.items()]
            fewer = case((number > 0, number - 1), else_=0)
            own.execute(update(account).where(*here).values({number: fewer}))
        of_account = [kept.c[name] == value for name, value in one.of_account.items()]
        own.execute(delete(kept).where(*of_account, kept.c.asked_at.between(1, self._now - REMEMBERED)))

    def _of(self, columns: Any, one: UnknownName) -> list[Any]:
        return [*[columns[name] == value for name, value in one.of_account.items()], columns.identity == one.identity]

    def _insert(self, own: Connection, table: Any, values: Mapping[str, Any]) -> None:
        insert = insert_of(self._database.dialect)
        own.execute(insert(table).values(**values).on_conflict_do_nothing())


_ACCOUNT = ("shop", "provider", "account", "mode")
