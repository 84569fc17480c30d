"""Labels that are ready and that no customer has used yet: one to open, and many in one document to print."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

import attrs
from flask import Blueprint, Response, abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from pypdf import PdfWriter
from pypdf.errors import PyPdfError
from werkzeug.utils import secure_filename

from retour import GoodsState, InvalidArgument, Label, LabelState, ParcelState, RetourError, reading
from retour.providers import LabelDocument
from webshop.forms import Kept, NotUnderstood, request_id, sent_form
from webshop.languages import reader_language
from webshop.login import merchant
from webshop.orders import customers_of
from webshop.running import the_shop

pages = Blueprint("labels", __name__)

PAGE = 50
"""Approved returns whose labels are on a page, and so the most that is printed at once."""

FORM = "labels"

ENDINGS: Mapping[str, str] = {"application/pdf": "pdf", "image/png": "png"}
"""How the file of a document ends, by what it is. A document of any other kind is not opened in the browser."""


@attrs.frozen(kw_only=True)
class ReadyLabel:
    """A label that can be printed, and of which order it is."""

    order_id: str
    number: str
    """The number of its return."""

    label: Label

    @property
    def chosen(self) -> str:
        """What a form sends where it is chosen: it names the order and the label."""
        return f"{self.order_id}/{self.label.id}"


@pages.get("/labels")
def show() -> ResponseReturnValue:
    """The list."""
    return _page()


@pages.get("/orders/<order_id>/labels/<label_id>")
def open_one(order_id: str, label_id: str) -> ResponseReturnValue:
    """One label, as its provider gives it. Opening it again buys nothing."""
    document = the_shop().desk.label_document(order_id, label_id, by=merchant())
    return _sent(document.content, document.media_type, f"label-{order_id}")


@pages.post("/labels/print")
def print_many() -> ResponseReturnValue:
    """The labels that were chosen: one PDF, or a ZIP where some are no PDF. One that cannot be had now is told, and
    then nothing is left out silently: there is no document."""
    try:
        request_id()
        documents = _documents(list(dict.fromkeys(request.form.getlist("label"))))
    except NotUnderstood as error:
        return _page(sent_form(FORM, error.sentence, error.field), 422)
    if all(one.media_type == "application/pdf" for one in documents.values()):
        with suppress(PyPdfError):  # a carrier's PDF that cannot be read here can be printed by itself all the same
            return _sent(_merged(documents.values()), "application/pdf", "labels")
    return _sent(_zipped(documents), "application/zip", "labels")


def _documents(chosen: Sequence[str]) -> Mapping[str, LabelDocument]:
    """The documents of the labels that were chosen, by the name of a file."""
    if not chosen:
        raise NotUnderstood("label", _("Choose at least one label."))
    documents, faults = {}, []
    for one in chosen[:PAGE]:
        order_id, _slash, label_id = one.rpartition("/")
        try:
            documents[f"{order_id}-{label_id}"] = the_shop().desk.label_document(order_id, label_id, by=merchant())
        except RetourError as error:
            faults.append(error.text(reader_language()))
    if faults:
        raise NotUnderstood("label", " ".join([_("Leave these out, or try again later:"), *faults]))
    return documents


def _merged(documents: Iterable[LabelDocument]) -> bytes:
    """All pages of several PDFs as one."""
    merged = PdfWriter()
    for one in documents:
        merged.append(io.BytesIO(one.content))
    written = io.BytesIO()
    merged.write(written)
    return written.getvalue()


def _zipped(documents: Mapping[str, LabelDocument]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, one in documents.items():
            archive.writestr(_file_name(name, one.media_type), one.content)
    return written.getvalue()


def _sent(content: bytes, media_type: str, name: str) -> Response:
    """A document with somebody's address on it: nobody keeps a copy on the way."""
    shown = "inline" if media_type in ENDINGS else "attachment"
    headers = {
        "Content-Disposition": f"{shown}; filename={_file_name(name, media_type)}",
        "Cache-Control": "no-store",
    }
    return Response(content, mimetype=media_type, headers=headers)


def _file_name(name: str, media_type: str) -> str:
    return f"{secure_filename(name)}.{ENDINGS.get(media_type, media_type.rpartition('/')[2])}"


# --- the list --------------------------------------------------------------------------------------------


def _page(kept: Kept | None = None, status: int = 200) -> ResponseReturnValue:
    after = request.args.get("after") or None
    try:
        labels, following = _ready(after)
    except InvalidArgument:  # an address that somebody typed
        abort(404)
    with reading(the_shop().engine) as connection:
        customers = customers_of(connection, [one.order_id for one in labels])
    chosen = request.form.getlist("label") if kept else [one.chosen for one in labels]
    page = render_template(
        "labels.html",
        labels=labels,
        customers=customers,
        chosen=chosen,
        after=after,
        following=following,
        kept=kept or Kept(),
    )
    return page, status


def _ready(after: str | None) -> tuple[Sequence[ReadyLabel], str | None]:
    """The labels of a page of approved returns, the oldest first. The desk has no list of labels: its list of returns
    says which have one, by what its parcel is called, and these orders are read one by one, a page of them at most."""
    desk = the_shop().desk
    page = desk.list_returns(goods=GoodsState.APPROVED, oldest_first=True, limit=PAGE, after=after)
    found = []
    for row in page.returns:
        labels = desk.dossier(row.order_id).labels_of(row.return_id) if row.references else ()
        found += [ReadyLabel(order_id=row.order_id, number=row.number, label=one) for one in labels if _to_print(one)]
    return found, page.next


def _to_print(label: Label) -> bool:
    """Whether it is there to be used, and no carrier has its parcel."""
    ready = label.open and label.state is LabelState.READY and not label.cancel_asked
    return ready and label.progress is ParcelState.NOT_SENT
