"""Keys and customers stay out of logs, of what is printed, and of the variables that error trackers send along."""

from __future__ import annotations

import datetime
import logging
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

import retour_sendcloud
from retour.providers import LabelForm, LabelRequest, ProviderError
from retour.sandbox import Fault, SandboxResponse
from retour_sendcloud.provider import Sendcloud
from retour_sendcloud.sandbox import SECRET_KEY, SendcloudSandbox

PACKAGE = Path(retour_sendcloud.__file__).parent
FAULTS = (Fault.REFUSED_429, Fault.ERROR_500_AFTER, Fault.CUT_AFTER, Fault.NO_JSON_AFTER)


def calls(sendcloud: Sendcloud, request: LabelRequest) -> list[Callable[[], object]]:
    since = datetime.datetime.now(datetime.UTC)
    return [
        sendcloud.check_settings,
        lambda: sendcloud.options(request.sender, request.recipient, request.parcel),
        lambda: sendcloud.create_label(request),
        lambda: sendcloud.fetch_shipment("1", ""),
        lambda: sendcloud.fetch_label("1", "2", LabelForm.PDF),
        lambda: sendcloud.list_shipments("1001", since),
        lambda: sendcloud.cancel_label("1", ""),
    ]


@pytest.mark.parametrize("fault", FAULTS)
def test_no_key_is_in_a_variable_a_log_or_an_error(
    sandbox: SendcloudSandbox,
    sendcloud: Sendcloud,
    request_for: Callable[..., LabelRequest],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    fault: Fault,
) -> None:
    caplog.set_level(logging.DEBUG)
    sandbox.server.faulty = lambda _: True
    for call in calls(sendcloud, request_for()):
        sandbox.server.faults.extend([fault] * 3)
        with pytest.raises(ProviderError) as caught:
            call()
        sandbox.server.faults.clear()
        told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        shown = [
            f"{frame.name}: {name}"
            for frame in told.stack
            if Path(frame.filename).parent == PACKAGE
            for name, value in (frame.locals or {}).items()
            if SECRET_KEY in value
        ]
        assert shown == []
        assert SECRET_KEY not in str(caught.value)
    assert SECRET_KEY not in caplog.text
    assert "Damrak" not in caplog.text
    assert SECRET_KEY not in "".join(capfd.readouterr())
    assert SECRET_KEY not in repr(sendcloud) + repr(sendcloud.settings)


def test_a_key_in_an_answer_is_masked(sandbox: SendcloudSandbox, sendcloud: Sendcloud) -> None:
    fault = {"error": {"code": "forbidden", "message": f"{SECRET_KEY} is no key of this account"}}
    sandbox.server.handle = lambda _: SandboxResponse(status=403, body=fault)
    with pytest.raises(ProviderError) as caught:
        sendcloud.check_settings()
    assert caught.value.message == "*** is no key of this account"
