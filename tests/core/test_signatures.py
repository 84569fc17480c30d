"""Signatures of webhooks: one that is right is taken, everything else is refused, and always in the same time."""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import time
import traceback
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retour.providers import (
    Encoding,
    Secret,
    WebhookRejected,
    check_age,
    check_signed,
    hmac_sha256,
    hmac_sha512,
    needs_setting,
)

BODY = b'{"id": "ev_1"}'
NEW, OLD, OTHER = Secret("whsec_new"), Secret("whsec_old"), Secret("whsec_other")
NOW = datetime.datetime(2026, 11, 29, 12, tzinfo=datetime.UTC)
SECOND = datetime.timedelta(seconds=1)

secrets = st.text(min_size=1).filter(str.strip).map(lambda words: Secret(words.encode(errors="replace").decode()))


def check(signatures: Sequence[str], known: Sequence[Secret | None] = (NEW,), body: bytes = BODY, **form: Any) -> None:
    check_signed(body, signatures, known, setting="webhook_secrets", **form)


# --- the signature -----------------------------------------------------------------------------------------------

RFC_4231 = [
    (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
]


@pytest.mark.parametrize("key, signed, signature", RFC_4231)
def test_the_signature_is_the_one_of_the_standard(key: bytes, signed: bytes, signature: str) -> None:
    """RFC 4231, test cases 1, 2, 3 and 6."""
    assert hmac_sha256(signed, Secret(key.hex()), secret_is=Encoding.HEX) == signature
    check([signature], [Secret(base64.b64encode(key).decode())], signed, secret_is=Encoding.BASE64)
    check([base64.b64encode(bytes.fromhex(signature)).decode()], [Secret(key.hex())], signed, **ADYEN)


@pytest.mark.parametrize(
    "key, signed, begins, ends",
    [
        (b"\x0b" * 20, b"Hi There", "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde", "203a126854"),
        (b"Jefe", b"what do ya want for nothing?", "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd6", "a38bce737"),
    ],
)
def test_the_longer_signature_is_the_one_of_the_standard(key: bytes, signed: bytes, begins: str, ends: str) -> None:
    """RFC 4231, test cases 1 and 2."""
    found = hmac_sha512(signed, Secret(key.hex()), secret_is=Encoding.HEX)
    assert (len(found), found.startswith(begins), found.endswith(ends)) == (128, True, True)
    check([found], [Secret(base64.b64encode(key).decode())], signed, secret_is=Encoding.BASE64, by=hmac_sha512)


def test_a_signature_of_another_kind_is_none() -> None:
    longer, shorter = hmac_sha512(BODY, NEW), hmac_sha256(BODY, NEW)
    check([longer], by=hmac_sha512)
    for other, by in ((shorter, hmac_sha512), (longer, hmac_sha256), (longer[:64], hmac_sha512)):
        with pytest.raises(WebhookRejected, match="no signature of it is by a secret in the setting webhook_secrets"):
            check([other], by=by)
    with pytest.raises(WebhookRejected, match="is not hex"):
        check([longer], secret_is=Encoding.HEX, by=hmac_sha512)
    check([longer], [OLD, None, NEW], by=hmac_sha512)


ADYEN = {"written": Encoding.BASE64, "secret_is": Encoding.HEX}


def test_a_signature_in_the_body_over_some_fields_fits() -> None:
    """The example of https://docs.adyen.com/development-resources/webhooks/verify-hmac-signatures."""
    key = Secret("44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056")
    signed = b"7914073381342284::TestMerchant:TestPayment-1407325143704:1130:EUR:AUTHORISATION:true"
    signature = "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0="
    check([signature], [key], signed, **ADYEN)
    with pytest.raises(WebhookRejected):
        check([signature], [key], signed.replace(b"1130", b"1131"), **ADYEN)


@given(secrets, st.binary())
def test_what_is_signed_is_taken_with_its_own_secret_and_bytes_only(secret: Secret, body: bytes) -> None:
    right = hmac_sha256(body, secret)
    assert right == hmac.new(secret.reveal().encode(), body, hashlib.sha256).hexdigest()
    check([right], [secret], body)
    for changed in (body + b"\n", body[1:] if body else b"x", bytes([body[0] ^ 1]) + body[1:] if body else b"\x00"):
        with pytest.raises(WebhookRejected):
            check([right], [secret], changed)


@pytest.mark.parametrize("known", [(NEW, OLD), (OLD, NEW), (None, NEW), (OTHER, None, NEW)])
@pytest.mark.parametrize("beside", [[], ["0" * 64], ["", "é", "\ud800"]])
def test_any_signature_by_any_secret_is_enough(known: Sequence[Secret | None], beside: list[str]) -> None:
    right = hmac_sha256(BODY, NEW)
    check([*beside, right], known)
    check([right, *beside], known)


@given(st.lists(st.text() | st.text("0123456789abcdef", min_size=64, max_size=64)))
def test_whatever_is_given_is_refused_and_no_accident(signatures: list[str]) -> None:
    with pytest.raises(WebhookRejected, match="no signature of it is by a secret in the setting webhook_secrets"):
        check(signatures)


@pytest.mark.parametrize("change", [str.upper, lambda right: right[:-1], lambda right: f"{right}0", lambda right: ""])
def test_a_signature_that_is_nearly_right_is_refused(change: Any) -> None:
    with pytest.raises(WebhookRejected):
        check([change(hmac_sha256(BODY, NEW))])


@pytest.mark.parametrize("known", [(), (None,), (None, None)])
def test_without_a_secret_the_merchant_reads_which_setting_to_fill(known: Sequence[None]) -> None:
    for signatures in ([], [""], [hmac_sha256(BODY, NEW)], [hmac.new(b"", BODY, hashlib.sha256).hexdigest()]):
        with pytest.raises(WebhookRejected, match=r"the setting webhook_secrets is empty, .* fill it in"):
            check(signatures, known)


def test_an_empty_secret_signs_nothing() -> None:
    """It cannot be made, and a blank one is empty too; nobody knows less than that to sign with."""
    with pytest.raises(ValueError, match="is empty"):
        Secret(" ")
    hollow = Secret.__new__(Secret)
    hollow._value = ""
    with pytest.raises(ValueError, match="no bytes"):
        hmac_sha256(BODY, hollow)
    with pytest.raises(WebhookRejected):
        check([hmac.new(b"", BODY, hashlib.sha256).hexdigest()], [hollow])


@pytest.mark.parametrize("form", Encoding)
def test_a_secret_that_is_not_written_as_the_provider_writes_it_is_told_and_never_shown(form: Encoding) -> None:
    with pytest.raises(WebhookRejected, match=f"a secret in the setting webhook_secrets is not {form}") as caught:
        check([hmac_sha256(BODY, NEW)], [NEW], secret_is=form)
    assert NEW.reveal() not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("known", [(), (NEW,)])
@pytest.mark.parametrize("form", [{}, {"secret_is": Encoding.HEX}])
def test_a_refusal_tells_no_signature_and_no_secret_and_nor_does_a_variable_of_its_frames(
    known: Sequence[Secret], form: Any
) -> None:
    """Nor the body, which can be about people."""
    with pytest.raises(WebhookRejected) as caught:
        check(["0" * 64], known, **form)
    frames = [frame for frame, _ in traceback.walk_tb(caught.tb) if "/retour/" in frame.f_code.co_filename]
    assert frames
    told = str(caught.value) + "".join([repr(frame.f_locals) for frame in frames])
    for secret in (hmac_sha256(BODY, NEW), NEW.reveal(), "0" * 64, "ev_1"):
        assert secret not in told


def test_a_header_full_of_signatures_costs_one_look_at_the_body() -> None:
    """A look for each would take minutes: a header has up to 64 KiB, a body up to 1 MiB, and anybody can send both."""
    began = time.monotonic()
    with pytest.raises(WebhookRejected):
        check([""] * 60_000, [NEW, OLD], bytes(1024 * 1024))
    assert time.monotonic() - began < 10


def test_all_are_compared_with_all_wherever_the_right_one_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[tuple[bytes, bytes]] = []
    compare = hmac.compare_digest

    def counting(ours: bytes, theirs: bytes) -> bool:
        counted.append((ours, theirs))
        return compare(ours, theirs)

    monkeypatch.setattr(hmac, "compare_digest", counting)
    right = hmac_sha256(BODY, NEW)
    for signatures in ([right, "", "x"], ["x", "", right]):
        check(signatures, [NEW, OLD])
    assert len(counted) == 2 * 3 * 2


# --- its age -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("late", [-30, -29.5, 0, 299.5, 300])
def test_what_is_within_both_bounds_is_taken(late: float) -> None:
    check_age(NOW - late * SECOND, now=NOW, oldest=300 * SECOND, ahead=30 * SECOND)


@pytest.mark.parametrize(
    "late, said", [(300.5, "too old"), (10**9, "too old"), (-30.5, "from the future"), (-(10**9), "from the future")]
)
def test_what_is_too_old_or_from_the_future_is_refused(late: float, said: str) -> None:
    with pytest.raises(WebhookRejected, match=said):
        check_age(NOW - late * SECOND, now=NOW, oldest=300 * SECOND, ahead=30 * SECOND)


@given(st.datetimes(timezones=st.timezones()), st.datetimes(timezones=st.timezones()))
def test_no_time_is_an_accident(sent: datetime.datetime, now: datetime.datetime) -> None:
    try:
        check_age(sent, now=now, oldest=SECOND, ahead=SECOND)
    except WebhookRejected:
        assert abs(now - sent) > SECOND
    else:
        assert abs(now - sent) <= SECOND


def test_a_check_of_another_kind_names_its_setting_in_the_same_words() -> None:
    assert str(needs_setting("webhook_id")).startswith("the setting webhook_id is empty")
