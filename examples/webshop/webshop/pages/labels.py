"""Labels that are ready and that no customer has used yet: one to open, and many in one document to print."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from flask import Blueprint, Response, abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from pypdf import PdfWriter
from pypdf.errors import PyPdfError
from werkzeug.utils import secure_filename

from retour import InvalidArgument, LabelSummary, LabelWait, RetourError, reading
from retour.providers import LabelDocument
from webshop.forms import Kept, NotUnderstood, request_id, sent_form
from webshop.languages import reader_language
from webshop.login import merchant
from webshop.orders import customers_of
from webshop.running import the_shop

pages = Blueprint("labels", __name__)

PAGE = 50
"""Labels on a page, and so the most that is printed at once."""

FORM = "labels"

ENDINGS: Mapping[str, str] = {"application/pdf": "pdf", "image/png": "png"}
"""How the file of a document ends, by what it is. A document of any other kind is not opened in the browser."""


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
        listed = the_shop().desk.list_labels(waits_for=LabelWait.CUSTOMER, oldest_first=True, limit=PAGE, after=after)
    except InvalidArgument:  # an address that somebody typed
        abort(404)
    with reading(the_shop().engine) as connection:
        customers = customers_of(connection, [one.order_id for one in listed.labels])
    chosen = request.form.getlist("label") if kept else [sent_of(one) for one in listed.labels]
    page = render_template(
        "labels.html",
        labels=listed.labels,
        customers=customers,
        chosen=chosen,
        after=after,
        following=listed.next,
        kept=kept or Kept(),
    )
    return page, status


@pages.app_template_global("sent_of")
def sent_of(label: LabelSummary) -> str:
    """What a form sends where a label is chosen: it names the order and the label."""
    return f"{label.order_id}/{label.label_id}"
