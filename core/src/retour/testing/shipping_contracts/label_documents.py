"""What a customer prints or shows: his own label, and one that can be read."""

from __future__ import annotations

import pytest

from retour.model.labels import LabelForm, Told
from retour.providers.errors import Disposition, ErrorCode, ProviderError
from retour.providers.label_request import LabelDocument
from retour.sandbox import SandboxRequest, SandboxResponse
from retour.testing.contracts.any_account import needs, outcome, refused
from retour.testing.shipping_contracts.shipping_account import PARCEL, Made, ShippingAccount

PDF, PNG = b"%PDF-", b"\x89PNG\r\n\x1a\n"

BEGINNINGS = {"application/pdf": PDF, "image/png": PNG}
"""How a document of a kind begins (ISO 32000-1, 7.5.2; ISO/IEC 15948, 5.2)."""

ENDINGS = {"application/pdf": b"%%EOF", "image/png": b"IEND"}
"""What stands near its end: half a document is none."""

AT_THE_END = 1024
"""Bytes from the end in which that is."""

NO_DOCUMENTS = {
    "a page": b"<html>Please log in</html>",
    "an error": b'{"error": "not now"}',
    "nothing": b"",
    "a printer's own language": b"^XA^FO50,50^FDLabel^FS^XZ",
}


@needs("labels", "fetch_label")
def test_a_label_that_is_not_announced_has_no_document(account: ShippingAccount) -> None:
    """Of a label that its carrier does not have yet, the document is not ready and is asked for again.

    Told as an end, the customer is told that there is none; with another page in its place, he prints that.
    """
    account.sandbox.hold()
    request = account.request()
    made = Made(request=request, shipment=account.provider().create_label(request))
    if account.booked(request)[0].told is Told.READY:
        pytest.skip(f"{account.kind.name} has a label announced as soon as it is made")
    error = refused(lambda: account.provider().fetch_label(*made.names, request.form), "there is none yet")
    assert (error.code, error.disposition) == (ErrorCode.LABEL_NOT_READY, Disposition.RETRY)


@needs("labels", "fetch_label")
def test_the_document_is_what_it_is_called(account: ShippingAccount) -> None:
    """Of each form that can be bought, the document is a whole PDF or PNG, as its type says, and of the form asked for.

    What no reader opens is found out at the counter, by the customer.
    """
    for number, form in enumerate(sorted(account.capabilities.forms - {LabelForm.NONE}), start=1):
        option = account.option(form)
        if option.form is not form:
            continue
        document = _document(account, account.made(number, option))
        assert document.form is form, f"a {form} was asked for, and a {document.form} is told"
        beginning, ending = BEGINNINGS.get(document.media_type), ENDINGS.get(document.media_type)
        assert beginning, f"{document.media_type} is nothing that a customer can print or show"
        assert ending
        assert document.content.startswith(beginning), f"it is called {document.media_type}, and is none"
        assert ending in document.content[-AT_THE_END:], f"the {document.media_type} ends in the middle"
        assert form is not LabelForm.PDF or document.media_type == "application/pdf", "a label to print is a PDF"


@needs("labels", "fetch_label")
def test_the_document_is_shown_again(account: ShippingAccount) -> None:
    """A second look gives the same document, or the first said that it is given out once, so that the core keeps it.

    The customer closes the page before he prints, and would have to buy a second label.
    """
    made = account.made()
    first = _document(account, made)
    again = outcome(lambda: account.provider().fetch_label(*made.names, made.request.form), "a second look")
    if isinstance(again, ProviderError):
        assert first.once, f"a document that is given out once was not said to be: {again!r}"
    else:
        assert again.content == first.content, "a second look shows another document"


@needs("labels", "fetch_label")
def test_a_document_is_of_its_own_label(account: ShippingAccount) -> None:
    """Of two labels each has its own document, in whatever order they are asked for, by one provider.

    A customer who gets another one's label reads where that customer lives, and sends his parcel in that name.
    """
    first, second = account.made(1), account.made(2, order_id="2002")
    provider = account.provider()
    ours, theirs = [provider.fetch_label(*one.names, one.request.form) for one in (first, second)]
    assert ours.content != theirs.content, "two customers get one label"
    if ours.once:
        return
    again = provider.fetch_label(*first.names, first.request.form)
    assert again.content == ours.content, "a customer gets the label of another one"
    fresh = account.provider().fetch_label(*second.names, second.request.form)
    assert fresh.content == theirs.content, "a customer gets the label of another one"


@needs("labels", "fetch_label")
@pytest.mark.parametrize("body", NO_DOCUMENTS.values(), ids=list(NO_DOCUMENTS))
@pytest.mark.parametrize("status", [200, 202])
def test_what_is_no_document_is_not_shown_as_one(account: ShippingAccount, body: bytes, status: int) -> None:
    """A page, an error or nothing, where the document should be, is an error: it is asked for again.

    The customer prints it, and the carrier takes no such parcel.
    """
    made = account.made()
    provider = account.provider()
    answer = SandboxResponse(status=status, body=body, content_type="application/pdf")

    def change(sent: SandboxRequest, response: SandboxResponse) -> SandboxResponse:
        del sent
        own = response.content_type != "application/json"
        return answer if own else response

    with account.answers(change):
        error = refused(lambda: provider.fetch_label(*made.names, made.request.form), "it is no document")
    assert error.disposition in (Disposition.RETRY, Disposition.RECONCILE), f"it comes in a moment: {error!r}"


def _document(account: ShippingAccount, made: Made) -> LabelDocument:
    document = account.provider().fetch_label(*made.names, made.request.form)
    assert isinstance(document, LabelDocument)
    assert made.request.parcel == PARCEL
    return document
