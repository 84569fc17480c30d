"""What shows how something was: a file, or where it is found, added to a return; and the files of an order."""

from __future__ import annotations

from flask import Blueprint, Response, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from retour import EvidenceFile, RetourError, Return, reading
from webshop.files import LONGEST_NAME, SentFile, content_of, keep, media_type_of, saved_as, sent_file
from webshop.forms import Kept, NotUnderstood, sent_form, text_of
from webshop.languages import reader_language
from webshop.login import merchant
from webshop.once import making, sent, to_the_next
from webshop.running import the_shop
from webshop.security import takes_files

pages = Blueprint("evidence", __name__)

FORM = "evidence"


@pages.get("/orders/<order_id>/returns/<return_id>/evidence")
def show(order_id: str, return_id: str) -> ResponseReturnValue:
    """The form."""
    made = _made(_return(order_id, return_id))
    return to_the_next(made) if making(_kind(return_id), made) is None else _page(order_id, return_id)


@pages.post("/orders/<order_id>/returns/<return_id>/evidence")
@takes_files
def add(order_id: str, return_id: str) -> ResponseReturnValue:
    """Staff adds a file, or says where one is. The file and what retour knows of it are one commit."""
    desk, by, return_ = the_shop().desk, merchant(), _return(order_id, return_id)
    try:
        form, note = sent(_kind(return_id), _made(return_)), text_of("note") or None
        file = sent_file("file")
        evidence = _evidence(file)
        with the_shop().engine.begin() as connection:
            if file is not None:
                keep(connection, order_id, return_id, file)
            outcome = desk.add_evidence(
                order_id, return_id, evidence, by=by, request_id=form.request_id, note=note, connection=connection
            )
        desk.run(outcome)
    except NotUnderstood as error:
        return _page(order_id, return_id, sent_form(FORM, error.sentence, error.field), 422)
    except RetourError as error:
        return _page(order_id, return_id, sent_form(FORM, error.text(reader_language())), 409)
    flash(_("The evidence is saved with the return."))
    return redirect(url_for("order.show", order_id=order_id), 303)


@pages.get("/orders/<order_id>/files/<file_id>")
def open_file(order_id: str, file_id: str) -> ResponseReturnValue:
    """A file of an order. A picture is shown; all else is saved, whatever it says that it is."""
    with reading(the_shop().engine) as connection:
        name, content = content_of(connection, order_id, file_id) or abort(404)
    picture = media_type_of(content)
    answer = Response(content, mimetype=picture or "application/octet-stream", headers={"Cache-Control": "no-store"})
    answer.headers.set("Content-Disposition", "inline" if picture else "attachment", filename=saved_as(name))
    return answer


def _evidence(file: SentFile | None) -> list[EvidenceFile]:
    """What was filled in: a file, or what it is found by elsewhere, or both."""
    name, reference = text_of("name", LONGEST_NAME), text_of("reference", LONGEST_NAME)
    given = [] if file is None else [EvidenceFile(reference=file.reference, name=name or file.name)]
    if reference:
        given.append(EvidenceFile(reference=reference, name=name))
    if not given:
        raise NotUnderstood("file", _("Choose a file, or say where it is."))
    return given


def _page(order_id: str, return_id: str, kept: Kept | None = None, status: int = 200) -> ResponseReturnValue:
    return_ = _return(order_id, return_id)
    page = render_template(
        "evidence.html",
        order_id=order_id,
        return_=return_,
        evidence=making(_kind(return_id), _made(return_)),
        files_kept=the_shop().files_kept,
        kept=kept or Kept(),
    )
    return page, status


def _kind(return_id: str) -> str:
    """What the form makes: evidence of this return."""
    return f"evidence {return_id}"


def _made(return_: Return) -> int:
    return len(return_.evidence_ids)


def _return(order_id: str, return_id: str) -> Return:
    return the_shop().desk.dossier(order_id).return_(return_id)
