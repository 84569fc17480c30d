"""The hosts of docs/embed.md, in FastAPI and in Django, answer the same requests alike."""

from __future__ import annotations

import asyncio
import importlib
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

import attrs
import pytest

from retour import LARGEST_WEBHOOK, Actor, MemoryShop, Mode, Money, ReturnDesk
from retour.testing import a_line, a_payment, an_order
from retour_stripe.sandbox import StripeSandbox

PAGE = Path(__file__).parent.parent.parent / "docs" / "embed.md"
HOSTS = ("fastapi_host", "django_host")
MOST_LINES = 60
"""A host is shorter: lines of code, without blank ones and comments."""

ANNA = Actor.staff("anna")
WEBHOOKS = "/webhooks/stripe/default/test"
WITH_TOKEN = {"Cookie": "csrftoken=" + 32 * "a", "X-CSRFToken": 32 * "a"}
"""What a page of the merchant's sends along where forms are protected, as Django does."""


@attrs.frozen
class Answer:
    """What a host said, and how many bytes of the body it had read by then."""

    status: int
    body: bytes
    read: int

    def json(self) -> Any:
        return json.loads(self.body)


Ask = Callable[[str, str, bytes, Mapping[str, str]], Answer]
"""A request as a server hands it over: method, path, body, headers."""


def file_of_page(name: str) -> str:
    found = re.search(rf"^```python\n(# {re.escape(name)}\n.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None, f"{PAGE.name} has no {name}"
    return found[1]


def ask_fastapi(host: ModuleType) -> Ask:
    """By ASGI, as uvicorn does."""

    def ask(method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        waiting, sent = io.BytesIO(body), []

        async def receive() -> dict[str, object]:
            part = waiting.read(65536)
            return {"type": "http.request", "body": part, "more_body": waiting.tell() < len(body)}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "query_string": b"",
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()],
        }
        asyncio.run(host.app(scope, receive, send))
        return Answer(sent[0]["status"], b"".join(one.get("body", b"") for one in sent[1:]), waiting.tell())

    return ask


def ask_django(host: ModuleType) -> Ask:
    """By WSGI, as gunicorn does."""
    from django.core.wsgi import get_wsgi_application

    application = get_wsgi_application()

    def ask(method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        waiting, status = io.BytesIO(body), []
        names = {name: name.upper().replace("-", "_") for name in headers}
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "wsgi.url_scheme": "http",
            "wsgi.input": waiting,
            **{
                name if name in ("CONTENT_LENGTH", "CONTENT_TYPE") else f"HTTP_{name}": headers[header]
                for header, name in names.items()
            },
        }
        said = application(environ, lambda line, _: status.append(int(line.partition(" ")[0])))
        return Answer(status[0], b"".join(said), waiting.tell())

    return ask


@pytest.fixture
def sandbox() -> Iterator[StripeSandbox]:
    with StripeSandbox() as sandbox:
        yield sandbox


@pytest.fixture
def payment(sandbox: StripeSandbox) -> str:
    return sandbox.pay(Money.of("90.00", "EUR"))


@pytest.fixture
def desk(sandbox: StripeSandbox, payment: str) -> Iterator[ReturnDesk]:
    paid = a_payment("90.00", provider="stripe", reference=payment, mode=Mode.TEST)
    order = an_order(a_line("teapot", 1, "50.00"), a_line("cup", 2, "40.00"), payments=[paid])
    settings = {"stripe": sandbox.settings}
    desk = ReturnDesk(shop=MemoryShop([order]), store="sqlite://", plugins=["stripe"], settings=settings)
    yield desk
    desk.close()


@pytest.fixture(params=HOSTS)
def ask(request: pytest.FixtureRequest, desk: ReturnDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """A host of the page, with a desk whose Stripe is the sandbox."""
    name: str = request.param
    framework = name.partition("_")[0]
    if find_spec(framework) is None:
        assert os.environ.get("CI") != "true", f"{framework} is not installed"
        pytest.skip(f"{framework} is not installed: pip install -r requirements-dev.txt")
    if name not in sys.modules:  # Django takes its settings once in a process
        (tmp_path / f"{name}.py").write_text(file_of_page(f"{name}.py"))
        monkeypatch.syspath_prepend(tmp_path)
        returns_desk = ModuleType("returns_desk")
        vars(returns_desk)["desk"] = desk
        monkeypatch.setitem(sys.modules, "returns_desk", returns_desk)
        importlib.import_module(name)
    host = sys.modules[name]
    monkeypatch.setattr(host, "desk", desk)
    return {"fastapi": ask_fastapi, "django": ask_django}[framework](host)


def get(ask: Ask, path: str) -> Any:
    answer = ask("GET", path, b"", {"Accept-Language": "nl-NL,nl;q=0.9"})
    assert answer.status == 200, answer
    return answer.json()


def post(ask: Ask, path: str, sent: object, key: str = "", language: str = "nl") -> Answer:
    body = json.dumps(sent).encode()
    known = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Accept-Language": language}
    return ask("POST", path, body, {**known, **WITH_TOKEN, **({"Idempotency-Key": key} if key else {})})


def webhook(ask: Ask, body: bytes, headers: Mapping[str, str]) -> Answer:
    return ask("POST", WEBHOOKS, body, {**headers, "Content-Length": str(len(body))})


@pytest.mark.parametrize("name", HOSTS)
def test_a_host_in_another_framework_is_short(name: str) -> None:
    lines = file_of_page(f"{name}.py").splitlines()
    assert len([line for line in lines if line.strip() and not line.strip().startswith("#")]) < MOST_LINES


def test_a_return_from_the_press_to_the_money(ask: Ask, desk: ReturnDesk, payment: str) -> None:
    asked = post(ask, "/orders/1001/returned", {}, "form-1").json()
    [return_] = asked["returns"]
    assert return_["in_words"]["goods"] == "ontvangen"
    assert [one["kind"] for one in get(ask, "/attention")["items"]] == ["stock_question"]
    question = get(ask, "/orders/1001")["questions"][return_["return_id"]]
    assert question == return_["restock"]["question"]
    assert question["sentence"]["text"].startswith("De voorraad van 3 stuks is nog niet bijgewerkt.")

    path = f"/orders/1001/returns/{return_['return_id']}/restock"
    assert post(ask, path, {"kind": "per_line", "units": {"cup": 1}}).json()["changed"] is True
    assert get(ask, "/orders/1001")["questions"] == {return_["return_id"]: None}

    [option] = get(ask, "/orders/1001")["refund_options"]
    amount = {"minor": option["suggested"]["minor"], "currency": "EUR"}
    paid = post(ask, f"/orders/1001/refunds/{quote(payment)}", amount, "form-2").json()
    assert (paid["refund"]["state"], paid["refund"]["amount"]["text"]) == ("succeeded", "€\N{NO-BREAK SPACE}90,00")
    twice = post(ask, f"/orders/1001/refunds/{quote(payment)}", amount, "form-2").json()
    assert (twice["changed"], len(desk.dossier("1001").refunds)) == (False, 1)

    [row] = get(ask, "/returns")["returns"]
    assert [one["came_back"] for one in row["lines"]] == [1, 2]
    assert len(get(ask, "/orders/1001")["timeline"]) == len(desk.timeline("1001"))


@pytest.mark.parametrize("sent", [5, None, "cup", [1], {"cup": "2"}, {"cup": 3}, {"teacup": 1}], ids=repr)
def test_what_cannot_be_is_answered_with_a_sentence_and_changes_nothing(
    ask: Ask, desk: ReturnDesk, sent: object
) -> None:
    if sent is None:
        answer = post(ask, "/orders/1001/returns/nowhere/restock", {"kind": "some"})
    else:
        answer = post(ask, "/orders/1001/returned", sent, "form-1")
    assert answer.status == 422
    assert answer.json()["error"]
    assert desk.dossier("1001").returns == {}


def test_no_json_is_refused(ask: Ask, desk: ReturnDesk) -> None:
    headers = {"Content-Type": "application/json", "Content-Length": "3", "Idempotency-Key": "form-1", **WITH_TOKEN}
    assert ask("POST", "/orders/1001/returned", b"{1:", headers).status in (400, 422)
    assert desk.dossier("1001").returns == {}


def test_a_webhook_is_kept_if_its_provider_signed_it_and_once(
    ask: Ask, desk: ReturnDesk, sandbox: StripeSandbox, payment: str
) -> None:
    desk.open_refund_link("1001", payment, Money.of("5.00", "EUR"), by=ANNA, request_id="form-1")
    sandbox.advance(timedelta(minutes=1))
    sandbox.refund_in_dashboard(payment, Money.of("5.00", "EUR"))
    webhooks = sandbox.take_webhooks()
    assert webhooks
    for one in webhooks:
        assert webhook(ask, one.body + b" ", one.headers).status == 400
    assert [refund.state for refund in desk.dossier("1001").refunds.values()] == ["awaiting_merchant"]
    for one in webhooks * 2:
        assert webhook(ask, one.body, one.headers).status == 200
    [refund] = desk.dossier("1001").refunds.values()
    assert (refund.state, refund.amount.minor) == ("succeeded", 500)


@pytest.mark.parametrize("length", ["", "-1", "1e3", "\N{SUPERSCRIPT TWO}", str(LARGEST_WEBHOOK + 1)])
def test_nothing_is_read_of_a_webhook_that_is_too_large_or_does_not_say_how_large(ask: Ask, length: str) -> None:
    answer = ask("POST", WEBHOOKS, b"{}" * 100, {"Content-Length": length} if length else {})
    assert (answer.status, answer.read) == (413, 0)


@pytest.mark.parametrize("path", ["/webhooks/stripe/default/tset", "/webhooks/stripe/default"])
def test_an_address_that_names_no_mode_is_none(ask: Ask, path: str) -> None:
    answer = ask("POST", path, b"{}", {"Content-Length": "2"})
    assert answer.status in (404, 422)


def test_a_webhook_is_no_page(ask: Ask) -> None:
    assert ask("GET", WEBHOOKS, b"", {}).status == 405
