"""Why something comes back: a list that the host maintains, in words of each language, and what was chosen from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from retour import (
    DEFAULT_RETURN_REASONS,
    Actor,
    InvalidArgument,
    InvalidValue,
    MemoryShop,
    RequestedLine,
    ReturnDesk,
    ReturnReason,
    hookimpl,
)
from retour.testing import a_line, an_order

ANNA = Actor.staff("anna")
CUSTOMER = Actor.customer("c-17")
SMALL = ReturnReason(code="small", words={"en": "Too small", "nl": "Te klein"}, provider_codes={"sendcloud": "31"})
UGLY = ReturnReason(code="ugly", words={"nl": "Niet mooi"})


def opened(reasons: Any = None, *, store: Any = "sqlite://", **more: Any) -> ReturnDesk:
    shop = MemoryShop([an_order(a_line("shoe", 2), a_line("cup", 2))])
    return ReturnDesk(shop=shop, store=store, return_reasons=reasons, **more)


def asked(desk: ReturnDesk, reason: str, by: Actor = CUSTOMER) -> str:
    lines = [RequestedLine(line_id="shoe", quantity=1, reason=reason), RequestedLine(line_id="cup", quantity=1)]
    return desk.request_return("1001", lines, by=by, request_id="form-1").return_id


@pytest.mark.parametrize("audience", ["staff", "customer"])
@pytest.mark.parametrize(
    "reason, language, words", [("small", "en", "Too small"), ("small", "nl", "Te klein"), ("ugly", "en", "Niet mooi")]
)
def test_a_reason_of_the_list_reads_in_the_readers_language(
    audience: str, reason: str, language: str, words: str
) -> None:
    desk = opened([SMALL, UGLY])
    asked(desk, reason)
    entry = desk.timeline("1001", audience)[0]
    assert f"1 × Shoe ({words}), 1 × Cup" in entry.text(language)
    desk.close()


def test_a_code_that_is_not_on_the_list_is_refused_and_nothing_is_changed() -> None:
    desk = opened([SMALL, UGLY])
    with pytest.raises(InvalidArgument, match=r"line shoe: tiny is no reason of this shop's list\. .* small, ugly"):
        asked(desk, "tiny")
    assert desk.dossier("1001").version == 0
    desk.close()


def test_a_host_that_offers_no_reasons_at_all_takes_none() -> None:
    desk = opened([])
    with pytest.raises(InvalidArgument, match="Its reasons: none"):
        asked(desk, "small")
    assert desk.return_reasons == ()
    asked(desk, "")
    desk.close()


def test_a_reason_that_the_host_removed_since_reads_as_it_did(tmp_path: Any) -> None:
    store = f"sqlite:///{tmp_path / 'returns.db'}"
    before = opened([SMALL], store=store)
    return_id = asked(before, "small")
    before.close()
    after = opened([UGLY], store=store)
    assert "(Te klein)" in after.timeline("1001", "customer")[0].text("nl")
    one = after.dossier("1001").return_(return_id)
    assert one.reason("shoe") == SMALL
    assert (one.reason_text("shoe", "nl"), one.reason_text("cup")) == ("Te klein", "")
    after.close()


def test_a_host_without_a_list_gets_ours_and_may_still_give_a_text() -> None:
    desk = opened()
    assert desk.return_reasons == DEFAULT_RETURN_REASONS
    return_id = asked(desk, "does_not_work")
    assert "(Werkt niet)" in desk.timeline("1001", "customer")[0].text("nl")
    one = desk.dossier("1001").return_(return_id).reason("shoe")
    assert one is not None
    assert one.provider_codes == {"sendcloud": "10"}
    desk.close()
    other = opened()
    return_id = asked(other, "he says it pinches", by=ANNA)
    assert other.dossier("1001").return_(return_id).reason("shoe") is None
    assert other.dossier("1001").return_(return_id).reason_text("shoe", "nl") == "he says it pinches"
    assert "(he says it pinches)" in other.timeline("1001")[0].text("nl")
    assert "pinches" not in other.timeline("1001", "customer")[0].text("nl")
    other.close()


def test_each_shop_of_a_host_has_its_own_list() -> None:
    lists = {"north": [SMALL], "south": [UGLY]}
    shop = MemoryShop([an_order(a_line("shoe", 2), a_line("cup", 2))])
    desk = ReturnDesk(shop=lambda _: shop, store="sqlite://", return_reasons=lists.get)
    assert desk.for_shop("north").return_reasons == (SMALL,)
    asked(desk.for_shop("south"), "ugly")
    with pytest.raises(InvalidArgument, match="no reason of this shop's list"):
        asked(desk.for_shop("north"), "ugly")
    assert desk.for_shop("elsewhere").return_reasons == DEFAULT_RETURN_REASONS
    lists["north"] = "small"  # type: ignore[assignment]
    with pytest.raises(InvalidArgument, match="a list of ReturnReason values"):
        asked(desk.for_shop("north"), "small")
    desk.close()


@pytest.mark.parametrize(
    "given, says",
    [
        ("small", "a list of ReturnReason values"),
        (["small"], "a list of ReturnReason values"),
        ([None], "a list of ReturnReason values"),
        (7, "a list of ReturnReason values"),
        ([SMALL, SMALL], "has small more than once"),
    ],
)
def test_what_is_no_list_of_reasons_is_refused_when_the_desk_is_made(given: Any, says: str) -> None:
    with pytest.raises(InvalidArgument, match=says):
        opened(given)


@pytest.mark.parametrize(
    "fields",
    [
        {"code": "", "words": {"en": "x"}},
        {"code": "x" * 65, "words": {"en": "x"}},
        {"code": "x", "words": {}},
        {"code": "x", "words": {"en": ""}},
        {"code": "x", "words": {"n": "x"}},
        {"code": "x", "words": "x"},
        {"code": "x", "words": {"en": "x" * 201}},
        {"code": "x", "words": {"en": "x"}, "provider_codes": {"sendcloud": 31}},
    ],
)
def test_a_reason_that_nobody_could_read_or_store_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        ReturnReason(**fields)


def test_nobody_changes_a_reason_by_writing_into_what_it_was_made_of() -> None:
    words = {"en": "Too small"}
    reason = ReturnReason(code="small", words=words)
    words["en"] = "Too large"
    assert reason.text() == "Too small"


def test_our_own_list_has_both_languages_and_what_sendcloud_calls_each() -> None:
    assert len({one.code for one in DEFAULT_RETURN_REASONS}) == len(DEFAULT_RETURN_REASONS)
    ids = [int(one.provider_codes["sendcloud"]) for one in DEFAULT_RETURN_REASONS]
    assert len(set(ids)) == len(ids)
    assert set(ids) <= {1, 3, 4, *range(6, 33)}  # its return reasons, API v3: there is no 2 and no 5
    for one in DEFAULT_RETURN_REASONS:
        assert one.text("en") != one.text("nl")


def test_a_policy_sees_the_code() -> None:
    seen: list[Sequence[RequestedLine]] = []

    class Policy:
        @hookimpl
        def return_policy(self, request: Any) -> None:
            seen.append(request.lines)

    desk = opened([SMALL], plugins=[Policy()])
    asked(desk, "small")
    assert [line.reason for line in seen[0]] == ["small", ""]
    desk.close()
