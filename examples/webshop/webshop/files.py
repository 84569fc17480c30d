"""Files that staff keeps with an order: a photo of what is broken, what the bank wrote. They lie in the shop's own
table, and retour knows those of a return by what it is told to find them by."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Mapping, Sequence

import attrs
from flask import request
from flask_babel import gettext as _
from sqlalchemy import Connection, Engine, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from werkzeug.utils import secure_filename

from retour import reading
from webshop import tables
from webshop.forms import NotUnderstood
from webshop.running import the_shop

LONGEST_NAME = 200
"""Characters of a file's name that are kept."""

KEPT = datetime.timedelta(days=180)
"""How long a file is kept, unless the shop says otherwise: while somebody can still ask about the return. The GDPR
has no number of days, but that it is kept no longer than it is needed (article 5(1)(e))."""

OURS = "file:"
"""How a reference to one of these files begins."""

PICTURES: Mapping[bytes, str] = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
}
"""What a browser shows as a picture, by how such a file begins. All else is a file to save: none of it is run here."""


@attrs.frozen(kw_only=True)
class KeptFile:
    """A file that was kept: ``about`` names the return or the refund that it belongs to."""

    id: str
    about: str
    name: str


@attrs.frozen(kw_only=True)
class SentFile:
    """A file that came with a form. Its id follows from what is in it, so the same one is kept once."""

    name: str
    content: bytes = attrs.field(repr=False)

    @property
    def id(self) -> str:
        """What it is found by."""
        return hashlib.sha256(self.content).hexdigest()[:32]

    @property
    def reference(self) -> str:
        """What retour is told to find it by."""
        return f"{OURS}{self.id}"


def sent_file(field: str) -> SentFile | None:
    """The file that was chosen in a field; None where none was. Raises `NotUnderstood` for one with nothing in it."""
    given = request.files.get(field)
    if given is None or not given.filename:
        return None
    content = given.read()
    if not content:
        raise NotUnderstood(field, _("There is nothing in this file."))
    name = "".join(one for one in given.filename if one.isprintable()).strip()
    return SentFile(name=name[:LONGEST_NAME] or _("File"), content=content)


def keep(connection: Connection, order_id: str, about: str, sent: SentFile) -> None:
    """Keep a file with something of an order, once."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {
        "order_id": order_id,
        "about": about,
        "id": sent.id,
        "name": sent.name,
        "content": sent.content,
        "added_at": the_shop().clock(),
    }
    connection.execute(insert(tables.file).values(row).on_conflict_do_nothing())


def forget(engine: Engine, before: datetime.datetime) -> int:
    """Delete what was added ``before``; gives how many files that were. The history still says that they were there."""
    old = tables.file.c.added_at < before
    with reading(engine) as connection:
        if connection.execute(select(tables.file.c.id).where(old).limit(1)).first() is None:
            return 0  # nobody else is kept from writing for nothing
    with engine.begin() as connection:
        return connection.execute(delete(tables.file).where(old)).rowcount


def files_of(connection: Connection, order_id: str) -> Mapping[str, Sequence[KeptFile]]:
    """The files of an order, by what they belong to, the oldest first; without what is in them."""
    rows = tables.file.c
    wanted = select(rows.id, rows.about, rows.name).where(rows.order_id == order_id).order_by(rows.added_at, rows.id)
    found: dict[str, list[KeptFile]] = {}
    for row in connection.execute(wanted):
        found.setdefault(row.about, []).append(KeptFile(id=row.id, about=row.about, name=row.name))
    return found


def content_of(connection: Connection, order_id: str, file_id: str) -> tuple[str, bytes] | None:
    """The name of a file of an order and what is in it; None where the order has no such file."""
    rows = tables.file.c
    wanted = select(rows.name, rows.content).where(rows.order_id == order_id, rows.id == file_id)
    row = connection.execute(wanted.order_by(rows.added_at)).first()
    return None if row is None else (row.name, bytes(row.content))


def media_type_of(content: bytes) -> str | None:
    """What kind of picture it is, by how it begins; None for all else, whatever its name says."""
    return next((kind for begins, kind in PICTURES.items() if content.startswith(begins)), None)


def saved_as(name: str) -> str:
    """A name that every system can save a file under."""
    return secure_filename(name) or "file"
