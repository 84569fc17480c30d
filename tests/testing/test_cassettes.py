"""Cassettes, shown with a made-up provider: each test here runs pytest with a test of that provider inside."""

from __future__ import annotations

import datetime
import re
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import attrs
import pytest
import vcr.cassette
import yaml
from loopback_certificate import certificate_and_key

from retour.providers import Mode, PaymentCapabilities, ProviderError, ProviderSession
from retour.sandbox import SandboxResponse, SandboxServer
from retour.testing import a_payment
from retour.testing.cassettes import Cassette, NotOnCassette, recording_source
from retour.testing.leftovers import Leftovers
from retour.testing.scrubbing import Scrubber
from retour_paypal.provider import PayPal

pytest_plugins = ["pytester"]

ACMEPAY = '''
"""A provider that pays back, and tells more of its customers than it should."""
import attrs
from datetime import timedelta
from retour.providers import Idempotency, Mode, PaymentCapabilities, Secret
from retour.sandbox import SandboxResponse, SandboxServer

@attrs.frozen(kw_only=True)
class Settings:
    api_key: Secret
    account: str = "made-up-account"
    api_url: str = "API_URL"

    @property
    def mode(self):
        return Mode.LIVE if self.api_key.reveal().startswith("acme-live") else Mode.TEST

class AcmePay:
    name = "acmepay"
    settings_type = Settings
    capabilities = PaymentCapabilities(idempotency=Idempotency(header="Acme-Key", window=timedelta(hours=1)))
    sandbox = "acmepay:AcmePaySandbox"

    def __init__(self, settings, http):
        self.settings, self.http = settings, http

    @property
    def headers(self):
        return {"Authorization": "Bearer " + self.settings.api_key.reveal()}

    def pay_back(self, payment, amount, key="key-1", **more):
        return self.http.write(
            "POST", self.settings.api_url + "/refunds", headers=self.headers | {"Acme-Key": key},
            json_body={"payment": payment, "amount": amount, **more},
        )

    def pay_back_by_form(self, **form):
        return self.http.write("POST", self.settings.api_url + "/refunds", headers=self.headers, form=form)

    def look(self, what, **query):
        return self.http.read(self.settings.api_url + "/" + what, headers=self.headers, query=query or None)

class AcmePaySandbox:
    def __init__(self, *, clock):
        self.clock, self.answers, self.paid = clock, {}, 0
        self.headers = {"Set-Cookie": "canary-cookie", "X-Trace": "canary-trace"}
        self.server = SandboxServer(self.handle)

    def __enter__(self):
        self.server.start()
        return self

    def __exit__(self, *error):
        self.server.stop()

    @property
    def url(self):
        return self.server.url

    @property
    def settings(self):
        return {"api_key": "sandbox-key", "account": "sandbox-account", "api_url": self.url}

    def pay(self):
        self.paid += 1
        return f"pay_{self.paid}"

    def handle(self, request):
        assert request.headers.get("authorization", "Basic").startswith(("Bearer sandbox-key", "Basic"))
        body = self.answers.get(request.path) or {
            "path": request.path, "number": len(self.server.requests), "at": self.clock.now().isoformat(),
            "self": f"{self.url}{request.path}",
        }
        return SandboxResponse(status=200, body=body, headers=self.headers)
'''

TESTS = """
import pytest
from acmepay import AcmePay
from retour.providers import ProviderError
from retour.testing import NotOnCassette

@pytest.fixture
def acmepay(cassette):
    return cassette.provider(AcmePay, settings={"api_key": "made-up-key"}, environment={"api_key": "ACMEPAY_KEY"})

"""

WITHOUT = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
"""Plugins that the runs inside can do without; the second would import all of hypothesis in each."""

ROOT = Path(__file__).parents[2]

Pytest = Callable[..., pytest.RunResult]


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A plugin author's project, with AcmePay in it."""
    monkeypatch.delenv("ACMEPAY_KEY", raising=False)
    _write(pytester, "https://api.acmepay.example")
    pytester.syspathinsert()
    pytester.makeini("[pytest]\nfilterwarnings = error")
    return pytester


def _write(pytester: pytest.Pytester, api_url: str) -> None:
    pytester.makepyfile(acmepay=ACMEPAY.replace("API_URL", api_url))


@pytest.fixture
def run(project: pytest.Pytester) -> Pytest:
    """Run pytest on a test; ``record`` it or play it."""

    def run_test(body: str, *, record: bool = False) -> pytest.RunResult:
        project.makepyfile(test_refunds=TESTS + body)
        return project.runpytest_inprocess(*WITHOUT, *(["--retour-record"] if record else []))

    return run_test


def files(project: pytest.Pytester) -> list[Path]:
    return sorted(path for path in (project.path / "cassettes").rglob("*") if path.is_file())


def written(project: pytest.Pytester) -> str:
    [file] = files(project)
    return file.read_text()


REFUND = 'def test_refund(acmepay):\n    assert acmepay.pay_back("pay_1", "10.00").json()["path"] == "/refunds"\n'


def test_what_was_recorded_is_played_without_a_sandbox(run: Pytest, project: pytest.Pytester) -> None:
    run(REFUND, record=True).assert_outcomes(passed=1)
    project.makepyfile(acmepay=ACMEPAY.replace("API_URL", "https://api.acmepay.example").partition("class AcmePayS")[0])
    run(REFUND).assert_outcomes(passed=1)


def test_the_example_in_the_docs_records_and_plays(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MOLLIE_TEST_KEY", raising=False)
    [code] = re.findall(r"```python\n(.*?)```", (ROOT / "docs/cassettes.md").read_text(), re.DOTALL)
    project.makepyfile(test_example=code)
    project.runpytest_inprocess(*WITHOUT, "--retour-record").assert_outcomes(passed=1)
    project.runpytest_inprocess(*WITHOUT).assert_outcomes(passed=1)


# --- recording only when asked ---------------------------------------------------------------------------


def test_without_the_option_nothing_is_recorded_and_a_missing_cassette_says_how_to(
    run: Pytest, project: pytest.Pytester
) -> None:
    result = run(REFUND)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["there is no cassette cassettes/test_refunds/test_refund.yaml. "
         "To record it: pytest 'test_refunds.py::test_refund' --retour-record"]
    )  # fmt: skip
    assert not (project.path / "cassettes").exists()


def test_without_the_option_an_old_cassette_is_never_written(run: Pytest, project: pytest.Pytester) -> None:
    run(REFUND, record=True).assert_outcomes(passed=1)
    before = written(project)
    run(REFUND.replace("10.00", "11.00")).assert_outcomes(failed=1)
    assert written(project) == before


def test_a_test_that_fails_while_it_records_leaves_the_old_cassette(run: Pytest, project: pytest.Pytester) -> None:
    run(REFUND, record=True).assert_outcomes(passed=1)
    before = written(project)
    run(REFUND.replace("10.00", "11.00") + "    assert False", record=True).assert_outcomes(failed=1)
    assert written(project) == before


def test_recording_again_gives_the_same_bytes(run: Pytest, project: pytest.Pytester) -> None:
    body = REFUND + '    acmepay.pay_back_by_form(amount="1000")\n    acmepay.look("refunds", page="2")\n'
    run(body, record=True).assert_outcomes(passed=1)
    [file] = files(project)
    first = file.read_bytes()
    file.unlink()
    run(body, record=True).assert_outcomes(passed=1)
    assert file.read_bytes() == first


def test_recording_again_on_another_day_changes_nothing_unless_something_changed(tmp_path: Path) -> None:
    path = tmp_path / "one.yaml"
    with SandboxServer(lambda request: SandboxResponse(status=200, body={"path": request.path})) as server:
        provider = _provider_at(server.url)

        def record(day: int, *paths: str) -> str:
            today = datetime.date(2026, 11, day)
            with Cassette(path, test="one", record=True, today=today) as cassette:
                session = cassette.provider(provider, settings={}, environment={"api_url": "ACMEPAY_URL"})
                for one in paths:
                    session.look(one)
                assert cassette.finish() == ""
            return path.read_text()

        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ACMEPAY_URL", server.url)
            first = record(20, "a")
            assert yaml.safe_load(first)["metadata"]["recorded"] == {"from": "the real API", "date": "2026-11-20"}
            assert record(21, "a") == first
            assert yaml.safe_load(record(22, "a", "b"))["metadata"]["recorded"]["date"] == "2026-11-22"


def _provider_at(url: str) -> type:
    """A provider without secrets and without a sandbox, at a server of the test's own."""

    @attrs.frozen(kw_only=True)
    class Settings:
        api_url: str = url
        mode: Mode = Mode.TEST

    class Plain:
        name = "plain"
        settings_type = Settings
        capabilities = PaymentCapabilities()

        def __init__(self, settings: Settings, http: ProviderSession) -> None:
            self.settings, self.http = settings, http

        def look(self, what: str) -> object:
            return self.http.read(f"{self.settings.api_url}/{what}").json()

    return Plain


# --- what a request must be like -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed, said",
    [
        ('acmepay.pay_back("pay_1", "9999.99")', 'body $.amount: recorded "10.00", sent "9999.99"'),
        ('acmepay.pay_back("pay_1", 10)', 'body $.amount: recorded "10.00", sent 10'),
        ('acmepay.pay_back("pay_1", "10.00", note="x")', 'body $.note: recorded nothing, sent "x"'),
        ('acmepay.pay_back("pay_1", "10.00", key="key-2")', 'header acme-key: recorded "key-1", sent "key-2"'),
        ('acmepay.pay_back_by_form(amount="10.00")', "header acme-key: recorded *, sent nothing"),
        ('acmepay.look("refunds")', 'method: recorded "POST", sent "GET"'),
    ],
)
def test_a_changed_request_fails_with_what_changed(run: Pytest, changed: str, said: str) -> None:
    run(REFUND, record=True).assert_outcomes(passed=1)
    result = run(f"def test_refund(acmepay):\n    {changed}\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*cassettes/test_refunds/test_refund.yaml does not answer this request:",
            "*https://api.acmepay.example/refunds",
            "*The nearest is number 1, POST https://api.acmepay.example/refunds. What differs:",
            f"*{said}".replace("[", "[[]"),
            "*To record it: pytest 'test_refunds.py::test_refund' --retour-record",
        ]
    )


@pytest.mark.parametrize(
    "recorded, changed, said",
    [
        ('pay_back_by_form(amount="10")', 'pay_back_by_form(amount="99")', 'body amount: recorded "10", sent "99"'),
        ('look("refunds", page="1")', 'look("refunds", page="2")', 'query page: recorded "1", sent "2"'),
        ('look("refunds")', 'look("payments")', 'path: recorded "/refunds", sent "/payments"'),
    ],
)
def test_forms_queries_and_paths_are_compared_too(run: Pytest, recorded: str, changed: str, said: str) -> None:
    run(f"def test_one(acmepay):\n    acmepay.{recorded}\n", record=True).assert_outcomes(passed=1)
    result = run(f"def test_one(acmepay):\n    acmepay.{changed}\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*{said}"])


def test_a_missing_authorization_header_is_a_difference(run: Pytest) -> None:
    run(REFUND, record=True).assert_outcomes(passed=1)
    result = run(
        REFUND.replace("(acmepay):", "(acmepay, monkeypatch):\n    monkeypatch.setattr(AcmePay, 'headers', {})")
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(['*header authorization: recorded "Bearer [*][*][*]", sent nothing'])


def test_the_order_of_fields_makes_no_difference(run: Pytest) -> None:
    send = 'def test_one(acmepay):\n    acmepay.http.write("POST", acmepay.settings.api_url + "/x", form={body!r}, '
    send += 'headers={{"Content-Type": "application/json"}})\n'
    run(send.format(body=b'{"a": 1, "b": [1.50]}'), record=True).assert_outcomes(passed=1)
    run(send.format(body=b'{"b":[1.50],"a":1}')).assert_outcomes(passed=1)
    run(send.format(body=b'{"b":[1.5],"a":1}')).assert_outcomes(failed=1)


def test_a_request_made_once_more_than_recorded_says_so(run: Pytest) -> None:
    run(REFUND, record=True).assert_outcomes(passed=1)
    result = run(REFUND + '    acmepay.pay_back("pay_1", "10.00")\n')
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*It was recorded once and made once more."])


def test_a_request_that_was_not_played_fails_the_test_and_is_named(run: Pytest) -> None:
    both = REFUND + '    acmepay.look("refunds/1")\n'
    run(both, record=True).assert_outcomes(passed=1)
    result = run(REFUND)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*holds requests that the test did not make:", "  2. GET https://api.acmepay.example/refunds/1"]
    )


def test_code_that_swallows_the_error_does_not_save_the_test(run: Pytest) -> None:
    run(REFUND, record=True).assert_outcomes(passed=1)
    swallowed = "\n    try:\n        acmepay.look('x')\n    except Exception:\n        pass\n"
    result = run(REFUND + swallowed)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*does not answer this request:", "  GET https://api.acmepay.example/x"])
    result = run(REFUND + swallowed + "    assert 1 == 2\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*assert 1 == 2*", "*cassette*", "*does not answer this request:"])


def test_answers_are_played_in_the_order_they_were_given(run: Pytest) -> None:
    body = "def test_one(acmepay):\n    assert [acmepay.look('x').json()['number'] for _ in range(3)] == [1, 2, 3]\n"
    run(body, record=True).assert_outcomes(passed=1)
    run(body).assert_outcomes(passed=1)


def test_of_two_threads_that_want_one_answer_one_gets_it_and_the_other_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SandboxServer(lambda request: SandboxResponse(status=200, body={"path": request.path})) as server:
        provider = _provider_at(server.url)
        monkeypatch.setenv("ACMEPAY_URL", server.url)
        with Cassette(tmp_path / "one.yaml", test="one", record=True) as cassette:
            cassette.provider(provider, settings={}, environment={"api_url": "ACMEPAY_URL"}).look("a")
            cassette.finish()
    asks = vcr.cassette.Cassette.can_play_response_for

    def slowly(self: object, request: object) -> object:
        found = asks(self, request)
        time.sleep(0.1)
        return found

    monkeypatch.setattr("vcr.cassette.Cassette.can_play_response_for", slowly)
    with Cassette(tmp_path / "one.yaml", test="one", record=False) as cassette, ThreadPoolExecutor(2) as threads:
        session = cassette.provider(provider, settings={})
        both = [threads.submit(session.look, "a") for _ in range(2)]
        errors = [type(one.exception()) for one in both if one.exception()]
        assert errors == [NotOnCassette]
        assert cassette.finish().count("It was recorded once and made once more.") == 1


def test_many_threads_get_each_answer_once_and_never_reach_a_real_address(run: Pytest) -> None:
    body = """
import sys
from concurrent.futures import ThreadPoolExecutor

def test_one(acmepay, often_switched):
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: acmepay.look("x").json()["number"], range(64)))
    assert sorted(answers) == list(range(1, 65))

@pytest.fixture
def often_switched():
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(usual)
"""
    run(body, record=True).assert_outcomes(passed=1)
    run(body).assert_outcomes(passed=1)


def test_while_a_cassette_is_played_no_other_library_gets_out_either(run: Pytest, project: pytest.Pytester) -> None:
    run(REFUND, record=True).assert_outcomes(passed=1)
    other = """
    import urllib.request
    from retour.testing import NotLoopback
    with pytest.raises(NotLoopback):
        urllib.request.urlopen("http://192.0.2.1/", timeout=1)
"""
    project.makepyfile(test_refunds=TESTS + '@pytest.mark.retour_refused("192.0.2.1")\n' + REFUND + other)
    project.runpytest_subprocess(*WITHOUT).assert_outcomes(passed=1)  # where the setting guards nothing


# --- where it is recorded from ---------------------------------------------------------------------------


def test_a_cassette_from_a_sandbox_says_so_and_names_the_real_address(run: Pytest, project: pytest.Pytester) -> None:
    run(REFUND, record=True).assert_outcomes(passed=1)
    cassette = yaml.safe_load(written(project))
    today = datetime.datetime.now(datetime.UTC).date()
    recorded = cassette["metadata"]["recorded"]
    assert recorded["from"] == "the sandbox acmepay:AcmePaySandbox"
    assert today - datetime.date.fromisoformat(recorded["date"]) <= datetime.timedelta(days=1)
    assert cassette["interactions"][0]["request"]["uri"] == "https://api.acmepay.example/refunds"
    assert "127.0.0.1" not in written(project)


def test_with_its_key_in_the_environment_the_real_api_is_recorded_and_the_cassette_says_so(
    run: Pytest, project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SandboxServer(lambda request: SandboxResponse(status=200, body={"path": request.path})) as real:
        _write(project, real.url)
        monkeypatch.setenv("ACMEPAY_KEY", "canary-real-key")
        monkeypatch.setenv("ACMEPAY_PAYMENT", "pay_real")
        body = REFUND.replace("(acmepay)", "(acmepay, cassette)").replace('"pay_1"', "payment")
        body = body.replace(
            ":\n", ":\n    payment = cassette.fact('payment', None, environment='ACMEPAY_PAYMENT')\n", 1
        )
        run(body, record=True).assert_outcomes(passed=1)
        [request] = real.requests
        assert request.headers["authorization"] == "Bearer canary-real-key"
        assert b'"pay_real"' in request.body
    assert yaml.safe_load(written(project))["metadata"]["recorded"]["from"] == "the real API"
    assert "canary" not in written(project)
    monkeypatch.delenv("ACMEPAY_KEY")
    run(body).assert_outcomes(passed=1)


NO_MODE = (
    ACMEPAY.partition("    @property\n    def mode")[0] + "class AcmePay:" + ACMEPAY.partition("class AcmePay:")[2]
)


@pytest.mark.parametrize(
    "provider, key, said",
    [
        (ACMEPAY, "acme-live-canary", "ACMEPAY_KEY holds live keys, and to record would give real money back. *"),
        (NO_MODE, "canary-real-key", "*do not say whether ACMEPAY_KEY is live: give them a property `mode`*"),
        (ACMEPAY, "sk_live_canary", "ACMEPAY_KEY holds live keys, *"),
        (ACMEPAY, "live_canary", "ACMEPAY_KEY holds live keys, *"),
    ],
    ids=["live by the settings", "no mode", "a live key by its shape", "another shape"],
)
def test_with_a_live_key_nothing_is_recorded_and_nothing_is_sent(
    run: Pytest, project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, provider: str, key: str, said: str
) -> None:
    monkeypatch.setenv("ACMEPAY_KEY", key)
    with SandboxServer(lambda request: SandboxResponse(status=200, body={})) as real:
        project.makepyfile(acmepay=provider.replace("API_URL", real.url))
        result = run(REFUND, record=True)
        result.assert_outcomes(errors=1)
        assert real.requests == []
    result.stdout.fnmatch_lines([f"*cannot be recorded: {said}"])
    result.stdout.fnmatch_lines(["*Nothing was sent."])
    result.stdout.no_fnmatch_line("*canary*")
    assert not files(project)


def test_a_live_key_is_no_matter_where_nothing_is_recorded(run: Pytest, monkeypatch: pytest.MonkeyPatch) -> None:
    run(REFUND, record=True).assert_outcomes(passed=1)
    monkeypatch.setenv("ACMEPAY_KEY", "acme-live-canary")
    run(REFUND).assert_outcomes(passed=1)


LIVE = {
    "mollie": ("MOLLIE_TEST_KEY", "live_canarycanarycanarycanarycanary"),
    "mollie, a token": ("MOLLIE_TEST_KEY", "access_canarycanarycanarycanary"),
    "stripe": ("STRIPE_TEST_KEY", "sk_live_canarycanarycanarycanary"),
    "stripe, restricted": ("STRIPE_TEST_KEY", "rk_live_canarycanarycanarycanary"),
}


@pytest.mark.parametrize("which", LIVE)
def test_the_cassettes_here_are_not_recorded_with_a_live_key(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    variable, key = LIVE[which]
    monkeypatch.setenv(variable, key)
    pytester.makepyfile((ROOT / f"plugins/{which.partition(',')[0]}/tests/test_cassettes.py").read_text())
    result = pytester.runpytest_inprocess(*WITHOUT, "--retour-record", "-k", "refund_is_made_once")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*cannot be recorded: {variable} holds live keys, *"])


def test_paypal_is_not_recorded_from_its_live_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in PayPal's credentials tells; the settings say which environment they are of."""
    monkeypatch.setenv("PAYPAL_SECRET", "canary-secret")
    settings = {"client_id": "made-up", "client_secret": "made-up", "environment": "live"}
    with Cassette(tmp_path / "one.yaml", test="one", record=True) as cassette:
        with pytest.raises(pytest.fail.Exception, match="PAYPAL_SECRET holds live keys"):
            cassette.provider(PayPal, settings=settings, environment={"client_secret": "PAYPAL_SECRET"})
        assert cassette.finish() == ""


def test_while_the_real_api_is_recorded_its_own_host_is_let_through_and_no_other(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a process of its own, whose resolver takes the API's name for loopback."""
    resolver = """
    import socket, sys
    real = socket.getaddrinfo

    def resolve(host, *more, **named):
        sys.audit("socket.getaddrinfo", host, 0, 0, 0, 0)
        return real("127.0.0.1" if host.endswith(".example") else host, *more, **named)

    socket.getaddrinfo = resolve

    from retour.providers import http  # which calls the API in plain text: here its name means this machine

    http.refuse_other_addresses = lambda url: None
    """
    body = """
    from retour.testing import NotLoopback
    with pytest.raises(NotLoopback):
        acmepay.http.read("http://www.acmepay.example/")
"""
    monkeypatch.setenv("ACMEPAY_KEY", "canary-real-key")
    with SandboxServer(lambda request: SandboxResponse(status=200, body={"path": request.path})) as real:
        _write(project, real.url.replace("127.0.0.1", "api.acmepay.example"))
        project.makeconftest(resolver)
        project.makepyfile(test_refunds=TESTS + '@pytest.mark.retour_refused("www.acmepay.example")\n' + REFUND + body)
        project.runpytest_subprocess(*WITHOUT, "--retour-record").assert_outcomes(passed=1)
        assert len(real.requests) == 1


def test_a_real_api_is_recorded_over_tls_and_played_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ProviderSession` checks the certificate as ever: it trusts the one of this test, and only while recording."""
    certificate, key = certificate_and_key(tmp_path)
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(b'{"path": "%s"}' % self.path.encode())

        def log_message(self, *words: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    url = f"https://127.0.0.1:{server.server_address[1]}"
    provider = _provider_at(url)

    def look(record: bool) -> object:
        with Cassette(tmp_path / "one.yaml", test="one", record=record) as cassette:
            answer = cassette.provider(provider, settings={}, environment={"api_url": "ACMEPAY_URL"}).look("refunds")
            assert cassette.finish() == ""
            return answer

    monkeypatch.setenv("ACMEPAY_URL", url)
    try:
        with pytest.raises(ProviderError):
            look(record=True)
        monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(certificate))
        assert look(record=True) == {"path": "/refunds"}
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    monkeypatch.undo()
    assert look(record=False) == {"path": "/refunds"}
    assert asked == ["/refunds"]


def test_a_fact_that_the_real_api_does_not_tell_says_what_to_set(
    run: Pytest, project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACMEPAY_KEY", "canary-real-key")
    result = run(
        "def test_one(acmepay, cassette):\n    cassette.fact('payment', None, environment='ACMEPAY_PAYMENT')\n",
        record=True,
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*the real API does not tell the fact 'payment': set ACMEPAY_PAYMENT"])
    assert not files(project)


KEYS = {"client_id": "ACME_ID", "client_secret": "ACME_SECRET"}


def test_the_real_api_is_recorded_from_where_all_keys_are_there_and_the_sandbox_where_none_is() -> None:
    real = recording_source(KEYS, {"ACME_ID": "me", "ACME_SECRET": "secret", "HOME": "/"}, has_sandbox=True)
    assert (real.real, real.settings) == (True, {"client_id": "me", "client_secret": "secret"})
    for given in ({}, {"ACME_ID": ""}):
        sandbox = recording_source(KEYS, given, has_sandbox=True)
        assert (sandbox.real, sandbox.settings) == (False, {})
    assert not recording_source({}, {"ACME_ID": "me"}, has_sandbox=True).real


def test_half_of_the_keys_is_an_error_and_never_the_sandbox() -> None:
    with pytest.raises(ValueError, match="set ACME_SECRET too; or unset the others"):
        recording_source(KEYS, {"ACME_ID": "me"}, has_sandbox=True)


def test_neither_keys_nor_a_sandbox_says_what_to_set() -> None:
    with pytest.raises(ValueError, match="no sandbox; set ACME_ID and ACME_SECRET"):
        recording_source(KEYS, {}, has_sandbox=False)


def test_two_accounts_of_one_provider_share_a_cassette_and_two_providers_do_not(
    run: Pytest, project: pytest.Pytester
) -> None:
    body = """
def test_one(acmepay, cassette):
    other = cassette.provider(AcmePay, settings={"api_key": "canary-other-key"})
    assert acmepay.look("x").json()["number"] == 1
    assert other.look("x").json()["number"] == 2
    with pytest.raises(ValueError, match="one cassette is of one provider"):
        cassette.provider(type("Other", (AcmePay,), {}), settings={"api_key": "made-up-key"})
"""
    run(body, record=True).assert_outcomes(passed=1)
    run(body).assert_outcomes(passed=1)
    assert "canary" not in written(project)


# --- facts -----------------------------------------------------------------------------------------------


def test_what_happened_at_the_sandbox_is_remembered(run: Pytest, project: pytest.Pytester) -> None:
    body = """
def test_one(acmepay, cassette):
    payment = cassette.fact("payment", lambda sandbox: sandbox.pay())
    other = cassette.fact("other", lambda sandbox: {"id": sandbox.pay()})
    assert (payment, other) == ("pay_1", {"id": "pay_2"})
"""
    run(body, record=True).assert_outcomes(passed=1)
    run(body).assert_outcomes(passed=1)
    result = run(body.replace('fact("other"', 'fact("another"'))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*does not know the fact 'another'. To record it: pytest *"])
    result = run(body.replace('cassette.fact("other", lambda sandbox: {"id": sandbox.pay()})', '{"id": "pay_2"}'))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*holds facts that the test did not ask for: other"])


# --- what is never written -------------------------------------------------------------------------------

CANARIES = {
    "access_token": "canary-token",
    "refreshToken": "canary-refresh",
    "client_secret": "canary-secret",
    "webhookSecret": "canary-webhook",
    "consumerName": "canary-name",
    "consumerAccount": "canary-account",
    "payer": {"name": {"given_name": "canary-given", "surname": "canary-sur"}, "phone": {"number": "canary-phone"}},
    "billing_details": {"address": {"line1": "canary-street"}, "email": "canary@person.example"},
    "name": "Canary Person",
    "note": "paid from NL91 ABNA 0417 1643 00 by canary.mail+x@person.example with made-up-key",
    "iban": "DE89370400440532013000",
    "list": [{"card_number": "canary-card"}, "BE68539007547034, thanks"],
    "key": "sk_test_canary0123456789abcdef",
    "birth_date": 19700101,
    "raw": '{"given_name": "canary-inner", "page": 1}',
}

SAFE = {"name": "UNPROCESSABLE_ENTITY", "status": "pending", "id": "NL91ABNA0417164301", "amount": 10.5, "done": True}


def test_no_secret_and_no_personal_data_gets_into_the_file(run: Pytest, project: pytest.Pytester) -> None:
    body = f"""
def test_one(acmepay, cassette):
    answers = {{"/people": {CANARIES!r}, "/safe": {SAFE!r}, "/text": b"call canary@person.example, NL91ABNA0417164300"}}
    if cassette.recording:
        cassette.sandbox.answers.update(answers)
    people = acmepay.look("people", email="canary@person.example", page="1").json()
    assert (people["access_token"] == "canary-token") is cassette.recording, "the provider itself gets the real one"
    acmepay.look("safe")
    acmepay.look("text")
    acmepay.pay_back("pay_1", "10.00", iban="NL91ABNA0417164300", customer={{"email": "canary@person.example"}})
    acmepay.pay_back_by_form(**{{"client_secret": "canary-secret", "payer[name]": "Canary Person", "x": "made-up-key"}})
    acmepay.http.write("POST", acmepay.settings.api_url + "/token", auth=("canary-user", "canary-password"))
    cassette.fact("webhook", lambda sandbox: {{"headers": {{"acme-signature": "t", "signature": "canary-sig"}}}})
"""
    run(body, record=True).assert_outcomes(passed=1)
    text = written(project)
    found = ["canary", "Canary", "ABNA 0417", "ABNA0417164300", "370400440532", "539007547034", "19700101", "made-up"]
    assert [
        one for one in [*found, "sandbox-key", "person.example", "Set-Cookie", "X-Trace", "Y2FuYXJ5"] if one in text
    ] == []
    safe = yaml.safe_load(yaml.safe_load(text)["interactions"][1]["response"]["body"]["string"])
    assert safe == SAFE, "an error's name is a code, and an id that only looks like an IBAN is none"
    run(body).assert_outcomes(passed=1)


def test_of_several_ibans_in_one_text_all_are_taken_out() -> None:
    words = "ab12 cd, NL91ABNA0417164300 or NL91 ABNA 0417 1643 00 or DE89370400440532013000."
    assert Scrubber().text(words) == "ab12 cd, *** or *** or ***."


@pytest.mark.parametrize(
    "authorization", ["Bearer canary-token-1", "Basic Y2xpZW50OmNhbmFyeS1wYXNzd29yZA==", "canary-1"]
)
def test_what_a_request_was_authorized_by_is_taken_out_of_the_answer_too(
    run: Pytest, project: pytest.Pytester, authorization: str
) -> None:
    """A token that was got while recording is in no setting."""
    body = f"""
def test_one(acmepay, cassette):
    said = "{authorization.split()[-1]} is wrong, and so is canary-password"
    if cassette.recording:
        handle = cassette.sandbox.server.handle
        cassette.sandbox.server.handle = lambda request: SandboxResponse(status=401, body={{"note": said}})
    acmepay.http.read(acmepay.settings.api_url + "/x", headers={{"Authorization": "{authorization}"}})
"""
    if "Basic" not in authorization:
        body = body.replace(", and so is canary-password", "")
    run("from retour.sandbox import SandboxResponse\n" + body, record=True).assert_outcomes(passed=1)
    assert "canary" not in written(project)
    assert authorization.split()[-1] not in written(project)
    assert "*** is wrong" in written(project)


def test_what_the_environment_holds_is_taken_out_of_paths_too_and_made_up_it_matches(
    run: Pytest, project: pytest.Pytester
) -> None:
    body = """
def test_one(cassette):
    keys = {"api_key": "ACMEPAY_KEY", "account": "ACMEPAY_ACCOUNT"}
    acmepay = cassette.provider(AcmePay, settings={"api_key": "made-up-key"}, environment=keys)
    acmepay.look(f"accounts/{acmepay.settings.account}/refunds")
"""
    run(body, record=True).assert_outcomes(passed=1)
    assert "uri: https://api.acmepay.example/accounts/***/refunds" in written(project)
    assert "sandbox-account" not in written(project)
    run(body).assert_outcomes(passed=1)


def test_an_author_adds_fields_to_take_out_and_names_those_that_are_harmless(
    run: Pytest, project: pytest.Pytester
) -> None:
    body = """
def test_one(cassette):
    acmepay = cassette.provider(
        AcmePay,
        settings={"api_key": "made-up-key"},
        scrub=["shop_ref"],
        keep=["name"],
        headers=["X-Trace", "X-Api-Key", "X-Shop"],
    )
    if cassette.recording:
        cassette.sandbox.answers["/shop"] = {"shopRef": "canary-ref", "name": "Teapots and Cups"}
    assert acmepay.look("shop").headers["x-trace"] == "canary-trace"
    headers = {"X-Api-Key": "canary-header", "X-Shop": "teapots.example"}
    acmepay.http.read(acmepay.settings.api_url + "/x", headers=headers)
"""
    run(body, record=True).assert_outcomes(passed=1)
    assert "canary-ref" not in written(project)
    assert "canary-header" not in written(project)
    assert "Teapots and Cups" in written(project)
    assert "teapots.example" in written(project)
    run(body).assert_outcomes(passed=1)


def test_a_body_that_is_no_text_is_not_recorded(run: Pytest, project: pytest.Pytester) -> None:
    body = """
def test_one(acmepay, cassette):
    cassette.sandbox.answers["/picture"] = bytes([0xFF, 0xFE])
    acmepay.look("picture")
"""
    result = run(body, record=True)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*the body is no text, so it cannot be scrubbed and is not recorded"])
    assert not files(project)


LEFT = """
import base64, json
from retour.testing import a_line, a_payment, an_order
from retour import BankAccount

PAYER = BankAccount(name="Kanarina Vogelaar", iban="NL91 ABNA 0417 1643 00")
ORDER = an_order(a_line("cup"), payments=[a_payment("20.00", payer=PAYER)], customer="kanarina@vogelaar.example")

def in_base64(words):
    return base64.b64encode(words.encode()).decode()

def test_one(acmepay, cassette):
    cassette.protect(ORDER)
    cassette.sandbox.answers["/x"] = ANSWER
    acmepay.look("x")
"""

NOT_LEFT = "was not written, since it would show"


@pytest.mark.parametrize(
    "answer, place",
    [
        ("{'note': in_base64('the key is sandbox-key.')}", "the setting api_key: answer 1, body $.note"),
        ("{'note': {'list': ['x', 'ab' + in_base64('x:sandbox-key')]}}", "api_key: answer 1, body $.note.list[[]1]"),
        ("rb'no JSON: sandbox\\u002dkey'", "the setting api_key: answer 1, body"),
        ("b'sandb%6Fx-key'", "the setting api_key: answer 1, body"),
        ("{in_base64('x:sandbox-key'): 1}", "the setting api_key: answer 1, body, the name of a field"),
        ("{'note': 'to KANARINA  VOGELAAR'}", "a name: answer 1, body $.note"),
        ("{'note': 'Vogelaar, K.'}", "a name: answer 1, body $.note"),
        ("{'note': json.dumps({'voornaam': 'Kanarina'})}", "a name: answer 1, body $.note.voornaam"),
        ("{'at': 'https://x.example/?n=Kanarina%20Vogelaar'}", "a name: answer 1, body $.at"),
        ("{'note': in_base64('kanarina@vogelaar.example')}", "a mail address: answer 1, body $.note"),
        ("{'note': 'kanarina(at)vogelaar.example aka kanarina'}", "a name: answer 1, body $.note"),
        ("{'note': in_base64('to NL91ABNA0417164300')}", "an IBAN: answer 1, body $.note"),
        ("{'note': 'NL91.ABNA.0417.1643.00'}", "an IBAN: answer 1, body $.note"),
        ("{'note': in_base64('DE89370400440532013000')}", "the shape of a key, an IBAN or a mail address: answer 1"),
        ("{'note': in_base64(in_base64('someone@else.example'))}", "the shape of a key, an IBAN or a mail address: *"),
    ],
)
def test_what_the_scrubber_missed_is_found_and_nothing_is_written(
    run: Pytest, project: pytest.Pytester, answer: str, place: str
) -> None:
    result = run(LEFT.replace("ANSWER", answer), record=True)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*cassettes/test_refunds/test_one.yaml {NOT_LEFT}", f"*{place}*"])
    result.stdout.fnmatch_lines(["Name the field in scrub=[[]...[]] of cassette.provider(...), or leave the data out."])
    said = result.stdout.str().partition(NOT_LEFT)[2].lower()
    assert [one for one in ("kanarina", "vogelaar", "0417", "sandbox-key", "c2fuzgjved") if one in said] == []
    assert not files(project)


@pytest.mark.parametrize("part", ["path", "query", "header", "request body", "fact"])
def test_it_is_found_wherever_it_is(run: Pytest, project: pytest.Pytester, part: str) -> None:
    ask = {
        "path": "acmepay.look('customers/Kanarina/x')",
        "query": "acmepay.look('x', q='Kanarina')",
        "header": "acmepay.http.read(acmepay.settings.api_url, headers={'X-Who': 'Kanarina'})",
        "request body": "acmepay.pay_back('pay_1', '10.00', note='for Kanarina')",
        "fact": "cassette.fact('paid', lambda sandbox: {'by': ['Kanarina']})",
    }[part]
    body = f"""
def test_one(cassette):
    cassette.protect("Kanarina Vogelaar")
    acmepay = cassette.provider(AcmePay, settings={{"api_key": "made-up-key"}}, headers=["X-Who"])
    {ask}
"""
    result = run(body, record=True)
    result.assert_outcomes(failed=1)
    place = {"path": "request 1, uri", "query": "request 1, uri", "header": "request 1, header X-Who"}
    place |= {"request body": "request 1, body $.note", "fact": "fact paid $.by[[]0]"}
    result.stdout.fnmatch_lines([f"*{NOT_LEFT}", f"  a name: {place[part]}"])
    assert not files(project)


def test_of_an_order_that_is_a_fixture_it_is_known_and_an_old_cassette_stays(
    run: Pytest, project: pytest.Pytester
) -> None:
    body = (
        LEFT.partition("def test_one")[0]
        + """
@pytest.fixture
def order(): return ORDER

def test_one(acmepay, order):
    acmepay.pay_back("pay_1", "10.00", note="NOTE")
"""
    )
    run(body, record=True).assert_outcomes(passed=1)
    before = written(project)
    result = run(body.replace('"NOTE"', "order.payments[0].payer.name.split()[0]"), record=True)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["  a name: request 1, body $.note"])
    assert written(project) == before


def test_a_short_secret_is_found_where_it_stands_alone(run: Pytest, project: pytest.Pytester) -> None:
    body = """
def test_one(cassette):
    acmepay = cassette.provider(AcmePay, settings={"api_key": "x7"})
    acmepay.look("NAME")
"""
    run(body.replace("NAME", "x77"), record=True).assert_outcomes(passed=1)
    result = run(body.replace("NAME", "is/x7/it"), record=True)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["  the setting api_key: request 1, uri"])


def test_what_holds_no_person_cannot_be_protected(tmp_path: Path) -> None:
    with Cassette(tmp_path / "one.yaml", test="one", record=True) as cassette:
        cassette.protect(a_payment("20.00"), "")
        with pytest.raises(TypeError, match="a int is no order, payment, bank account or text"):
            cassette.protect(7)  # type: ignore[arg-type]


def test_bodies_are_written_to_be_read(run: Pytest, project: pytest.Pytester) -> None:
    body = 'def test_one(acmepay):\n    acmepay.pay_back("pay_1", "10.00", note="Thé, 5 €")\n    '
    body += 'acmepay.pay_back_by_form(**{"metadata[order_id]": "1001", "amount": "10 euros"})\n'
    run(body, record=True).assert_outcomes(passed=1)
    text = written(project)
    assert '{\n        "amount": "10.00",\n        "note": "Thé, 5 €",' in text
    assert "      metadata[order_id]=1001&\n      amount=10+euros\n" in text
    assert "!!" not in text
    run(body).assert_outcomes(passed=1)


def test_compressed_answers_are_recorded_as_what_they_hold(run: Pytest, project: pytest.Pytester) -> None:
    body = """
import gzip

def test_one(acmepay, cassette):
    if cassette.recording:
        cassette.sandbox.headers = {"Content-Encoding": "gzip"}
        cassette.sandbox.answers["/x"] = gzip.compress(b'{"packed": true}')
    assert acmepay.look("x").json() == {"packed": True}
"""
    run(body, record=True).assert_outcomes(passed=1)
    assert '"packed": true' in written(project)
    run(body).assert_outcomes(passed=1)


# --- the cassettes of this repository --------------------------------------------------------------------

KEPT = sorted((ROOT / "plugins").glob("*/tests/cassettes/**/*.yaml"))


def test_every_cassette_here_is_of_a_test_that_is_there() -> None:
    assert KEPT
    for path in KEPT:
        source = (path.parents[2] / f"{path.parent.name}.py").read_text()
        assert f"def {path.stem.partition('-')[0]}(" in source, path


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parents[3].name}-{path.stem}")
def test_a_cassette_here_says_where_it_is_from_and_holds_no_secret(path: Path) -> None:
    text = path.read_text()
    recorded = yaml.safe_load(text)["metadata"]["recorded"]
    assert recorded["from"].startswith("the sandbox retour_")
    assert datetime.date.fromisoformat(recorded["date"])
    forbidden = ["127.0.0.1", "localhost", "Secret", "sandbox-client", "sandbox-secret", "@", "Cookie", "BEGIN"]
    assert [word for word in forbidden if word in text] == []
    assert Leftovers().places(text) == [], "what has the shape of a key, an IBAN or a mail address, in any form"
