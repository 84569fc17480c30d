"""What the sandbox answers to anybody, not only to us."""

from __future__ import annotations

import json
from typing import Any

import pytest

from retour.providers import Answer, Mode, Money, Payment, ProviderSession
from retour.sandbox import Fault
from retour_mollie.sandbox import LIVE_KEY, TEST_KEY, TOKEN, MollieSandbox


class Anybody:
    """A client that sends whatever it likes."""

    def __init__(self, sandbox: MollieSandbox, key: str = TEST_KEY) -> None:
        self.http = ProviderSession()
        self.sandbox, self.key = sandbox, key

    def get(self, path: str, **query: str) -> Answer:
        return self.http.read(f"{self.sandbox.url}/v2/{path}", headers=self.headers(), query=query)

    def refund(self, payment: str, body: object, key: str = "") -> Answer:
        url = f"{self.sandbox.url}/v2/payments/{payment}/refunds"
        return self.http.write("POST", url, headers=self.headers(key), json_body=body)

    def delete(self, path: str) -> Answer:
        return self.http.write("DELETE", f"{self.sandbox.url}/v2/{path}", headers=self.headers())

    def headers(self, key: str = "") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} | ({"Idempotency-Key": key} if key else {})


def euros(value: str) -> dict[str, Any]:
    return {"amount": {"currency": "EUR", "value": value}}


def refused(answer: Answer) -> tuple[int, str | None]:
    """The status and the field of a refusal in Mollie's shape."""
    error = answer.json()
    assert error["status"] == answer.status
    assert answer.headers["content-type"] == "application/hal+json"
    return answer.status, error.get("field")


@pytest.mark.parametrize(
    "body, field",
    [
        ({}, "amount"),
        ({"amount": "5.95"}, "amount"),
        ({"amount": {"currency": "EUR", "value": 5.95}}, "amount.value"),
        (euros("5.9"), "amount.value"),
        (euros("5.955"), "amount.value"),
        (euros("5,95"), "amount.value"),
        (euros("-5.95"), "amount.value"),
        (euros("0.00"), "amount.value"),
        (euros("94.96"), "amount.value"),
        ({"amount": {"currency": "USD", "value": "5.95"}}, "amount.currency"),
        (euros("5.95") | {"description": "x" * 256}, "description"),
        (euros("5.95") | {"testmode": True}, "testmode"),
    ],
)
def test_a_refund_that_is_wrong_is_refused(
    sandbox: MollieSandbox, paid: Payment, body: dict[str, Any], field: str
) -> None:
    assert refused(Anybody(sandbox).refund(paid.reference, body)) == (422, field)
    assert sandbox.refunds(paid.reference) == []


def test_a_yen_has_no_decimals(sandbox: MollieSandbox) -> None:
    payment = sandbox.pay(Money.of("1200", "JPY"))
    anybody = Anybody(sandbox)
    assert refused(anybody.refund(payment, {"amount": {"currency": "JPY", "value": "100.00"}})) == (422, "amount.value")
    assert anybody.refund(payment, {"amount": {"currency": "JPY", "value": "100"}}).status == 201


def test_a_repeated_key_gets_the_first_answer_with_a_header_a_refusal_too(
    sandbox: MollieSandbox, paid: Payment
) -> None:
    anybody = Anybody(sandbox)
    for body, key, status in ((euros("5.95"), "one", 201), (euros("500.00"), "two", 422)):
        first, again = (anybody.refund(paid.reference, body, key) for _ in range(2))
        assert (first.status, again.status) == (status, status)
        assert first.body == again.body
        assert "idempotent-replayed" not in first.headers
        assert again.headers["idempotent-replayed"] == "true"
    assert len(sandbox.refunds(paid.reference)) == 1


def test_a_key_is_of_its_endpoint(sandbox: MollieSandbox, paid: Payment) -> None:
    anybody = Anybody(sandbox)
    anybody.refund(paid.reference, euros("5.95"), "one")
    other = sandbox.pay(Money.of("94.95", "EUR"))
    assert refused(anybody.refund(other, euros("5.95"), "one")) == (400, None)


def test_a_key_is_ignored_where_nothing_is_made(sandbox: MollieSandbox, paid: Payment) -> None:
    anybody = Anybody(sandbox)
    url = f"{sandbox.url}/v2/payments/{paid.reference}"
    for _ in range(2):
        answer = anybody.http.read(url, headers=anybody.headers("one"))
        assert "idempotent-replayed" not in answer.headers


@pytest.mark.parametrize("key", ["", "test_wrong", "live_wrong", "access_wrong"])
def test_nobody_gets_in_without_a_key(sandbox: MollieSandbox, key: str) -> None:
    assert refused(Anybody(sandbox, key).get("profiles/me")) == (401, None)


@pytest.mark.parametrize("key, mode", [(TEST_KEY, Mode.TEST), (LIVE_KEY, Mode.LIVE), (TOKEN, Mode.LIVE)])
def test_a_payment_of_the_other_mode_is_as_unknown_as_none(sandbox: MollieSandbox, key: str, mode: Mode) -> None:
    anybody = Anybody(sandbox, key)
    for paid in Mode:
        answer = anybody.get(f"payments/{sandbox.pay(Money.of('1.00', 'EUR'), mode=paid)}")
        assert answer.status == (200 if paid is mode else 404)


def test_a_list_has_pages_that_lead_to_one_another(sandbox: MollieSandbox, paid: Payment) -> None:
    made = [sandbox.refund_in_dashboard(paid.reference, Money.of(f"{n}.00", "EUR")) for n in range(1, 8)]
    anybody = Anybody(sandbox)
    here = f"payments/{paid.reference}/refunds"
    pages = [anybody.get(here, limit="3").json()]
    while (following := pages[-1]["_links"]["next"]) is not None:
        pages.append(anybody.http.read(following["href"], headers=anybody.headers()).json())
    assert [page["count"] for page in pages] == [3, 3, 1]
    assert [refund["id"] for page in pages for refund in page["_embedded"]["refunds"]] == made[::-1]
    assert pages[0]["_links"]["previous"] is None
    back = anybody.http.read(pages[1]["_links"]["previous"]["href"], headers=anybody.headers()).json()
    assert back["_embedded"] == pages[0]["_embedded"]


@pytest.mark.parametrize(
    "query, field", [({"limit": "0"}, "limit"), ({"limit": "251"}, "limit"), ({"from": "x"}, "from")]
)
def test_a_page_that_is_none_is_refused(
    sandbox: MollieSandbox, paid: Payment, query: dict[str, str], field: str
) -> None:
    assert refused(Anybody(sandbox).get(f"payments/{paid.reference}/refunds", **query)) == (400, field)


def test_a_refund_that_went_out_cannot_be_cancelled(sandbox: MollieSandbox, paid: Payment) -> None:
    refund = sandbox.refund_in_dashboard(paid.reference, Money.of("1.00", "EUR"))
    sandbox.fail(refund)
    assert refused(Anybody(sandbox).delete(f"payments/{paid.reference}/refunds/{refund}")) == (404, None)
    with pytest.raises(ValueError, match="too late"):
        sandbox.cancel_in_dashboard(refund)


@pytest.mark.parametrize(
    "fault, status", [(Fault.REFUSED_429, 429), (Fault.ERROR_500_BEFORE, 500), (Fault.UNAVAILABLE_503, 503)]
)
def test_a_fault_has_the_shape_of_mollies_errors(
    sandbox: MollieSandbox, paid: Payment, fault: Fault, status: int
) -> None:
    sandbox.server.faults.append(fault)
    error = json.loads(Anybody(sandbox).refund(paid.reference, euros("1.00")).body)
    assert error["status"] == status
    assert set(error) == {"status", "title", "detail", "_links"}


def test_what_is_not_there_is_not_found(sandbox: MollieSandbox) -> None:
    assert refused(Anybody(sandbox).get("unknown")) == (404, None)


# --- chargebacks, as the description has them ------------------------------------------------------------


def test_a_chargeback_is_on_its_payment_and_in_the_list_of_them(sandbox: MollieSandbox, paid: Payment) -> None:
    anybody = Anybody(sandbox)
    here = f"payments/{paid.reference}"
    assert "amountChargedBack" not in anybody.get(here).json()
    made = sandbox.charge_back(paid.reference, Money.of("40.00", "EUR"))
    answer = anybody.get(here, embed="chargebacks").json()
    assert answer["amountChargedBack"] == {"currency": "EUR", "value": "40.00"}
    assert answer["amountRemaining"] == {"currency": "EUR", "value": "54.95"}
    [embedded] = answer["_embedded"]["chargebacks"]
    assert (embedded["id"], embedded["amount"]["value"], embedded["reversedAt"]) == (made, "40.00", None)
    listed = anybody.http.read(answer["_links"]["chargebacks"]["href"], headers=anybody.headers()).json()
    assert (listed["count"], listed["_embedded"]["chargebacks"]) == (1, [embedded])
    assert refused(anybody.refund(paid.reference, euros("54.96"))) == (422, "amount.value")


def test_what_is_to_be_embedded_is(sandbox: MollieSandbox, paid: Payment) -> None:
    refund = sandbox.refund_in_dashboard(paid.reference, Money.of("1.00", "EUR"))
    anybody = Anybody(sandbox)
    here = f"payments/{paid.reference}"
    assert "_embedded" not in anybody.get(here).json()
    embedded = anybody.get(here, embed="refunds,chargebacks").json()["_embedded"]
    assert ([one["id"] for one in embedded["refunds"]], embedded["chargebacks"]) == ([refund], [])


def test_a_cancelled_refund_that_is_gone_is_not_embedded_either(sandbox: MollieSandbox, paid: Payment) -> None:
    gone = sandbox.refund_in_dashboard(paid.reference, Money.of("1.00", "EUR"))
    there = sandbox.refund_in_dashboard(paid.reference, Money.of("2.00", "EUR"))
    sandbox.cancel_in_dashboard(gone)
    for cancelled_are_gone, ids in ((False, [there, gone]), (True, [there])):
        sandbox.cancelled_are_gone = cancelled_are_gone
        answer = Anybody(sandbox).get(f"payments/{paid.reference}", embed="refunds").json()
        assert [one["id"] for one in answer["_embedded"]["refunds"]] == ids
