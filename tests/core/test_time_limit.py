"""A call to a provider ends in time, whatever it is made of."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from retour.providers import ErrorCode, ProviderError, ProviderSession
from retour.providers.http import time_limit
from retour.sandbox import Fault, SandboxRequest, SandboxResponse, SandboxServer

FAR = 60.0


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    def handle(request: SandboxRequest) -> SandboxResponse:
        return SandboxResponse(status=502 if request.path == "/gateway" else 200, body={"status": "pending"})

    with SandboxServer(handle) as made:
        made.faulty = lambda _: True
        yield made


def failed(call: Callable[[], object]) -> ErrorCode:
    with pytest.raises(ProviderError) as error:
        call()
    return error.value.code


def test_a_call_for_which_no_time_is_left_is_not_made_and_says_so(server: SandboxServer) -> None:
    http = ProviderSession()
    with time_limit(0):
        assert failed(lambda: http.write("POST", server.url, json_body={})) is ErrorCode.NOT_SENT
        assert failed(lambda: http.read(server.url)) is ErrorCode.NOT_SENT
    assert server.requests == []
    assert http.read(server.url).status == 200


def test_several_calls_share_one_limit(server: SandboxServer) -> None:
    http = ProviderSession(deadline=FAR)
    server.faults.append(Fault.SILENT_AFTER)
    began = time.monotonic()
    with time_limit(1.0):
        assert failed(lambda: http.write("POST", server.url, json_body={})) is ErrorCode.OUTCOME_UNKNOWN
        assert failed(lambda: http.write("POST", server.url, json_body={})) is ErrorCode.NOT_SENT
    assert time.monotonic() - began < FAR / 2
    assert len(server.requests) == 1


def test_a_limit_within_another_ends_with_it() -> None:
    session = ProviderSession(deadline=3600)
    with time_limit(10):
        with time_limit(60):
            assert session._ends() <= time.monotonic() + 10
        with time_limit(5):
            assert session._ends() <= time.monotonic() + 5
        assert session._ends() > time.monotonic() + 5


def test_an_answer_that_trickles_ends_with_the_limit(server: SandboxServer) -> None:
    http = ProviderSession(deadline=FAR)
    server.faults.append(Fault.TRICKLE_AFTER)
    with time_limit(0.8):
        assert failed(lambda: http.write("POST", server.url, json_body={})) is ErrorCode.OUTCOME_UNKNOWN


@pytest.mark.parametrize("fault", [Fault.CUT_BEFORE, Fault.CUT_AFTER, Fault.UNAVAILABLE_503])
def test_a_read_is_repeated_where_the_connection_or_the_gateway_failed(server: SandboxServer, fault: Fault) -> None:
    server.faults.extend([fault, fault])
    assert ProviderSession().read(server.url).status == 200
    assert len(server.requests) == 3


def test_a_gateway_that_stays_down_is_answered_as_it_is_after_three_reads(server: SandboxServer) -> None:
    assert ProviderSession().read(f"{server.url}/gateway").status == 502
    assert len(server.requests) == 3


def test_a_read_that_is_repeated_stays_within_its_deadline(server: SandboxServer) -> None:
    server.faults.extend([Fault.SILENT_AFTER] * 3)
    began = time.monotonic()
    assert failed(lambda: ProviderSession(deadline=1.0).read(server.url)) is ErrorCode.OUTCOME_UNKNOWN
    assert time.monotonic() - began < FAR / 2
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", [Fault.CUT_BEFORE, Fault.CUT_AFTER, Fault.UNAVAILABLE_503, Fault.ERROR_500_AFTER])
def test_a_write_is_made_once_whatever_happens_to_it(server: SandboxServer, fault: Fault) -> None:
    server.faults.append(fault)
    http = ProviderSession()
    if fault in (Fault.CUT_BEFORE, Fault.CUT_AFTER):
        assert failed(lambda: http.write("POST", server.url, json_body={})) is ErrorCode.OUTCOME_UNKNOWN
    else:
        assert http.write("POST", server.url, json_body={}).status in (500, 503)
    assert len(server.requests) == 1
