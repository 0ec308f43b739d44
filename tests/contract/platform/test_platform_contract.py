"""What the use cases rely on, asked of each adapter: answers, look-ups, copies, statuses, limits, secrets, and a hostile wire."""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from facteur.domain.doubt import Question, Witness
from facteur.domain.submission import Accepted, Rejected
from facteur.errors import (
    AccountRefusedError,
    NotDepositedError,
    OutcomeUnknownError,
    PlatformBusyError,
    Problem,
    ProblemError,
    UnreadableCopyError,
)
from local.invoices import render, sample_invoice
from tests.altering import Asked, Said
from tests.contract.platform.subjects import Subject, document

PAGE = b"<!DOCTYPE html><html><title>Sign in</title></html>"
GATEWAYS = (b'{"message": "Forbidden"}', b"{}", b'{"error": "forbidden"}', PAGE, b"", b"[]")
NOW = datetime(2026, 10, 12, 8, tzinfo=UTC)


def question(subject: Subject, rank: int, *witnesses: int) -> Question:
    """About an invoice that may have been deposited, beside others that certainly were."""
    ids = [each.platform_id for each in subject.kind.kept()]
    known = tuple(Witness(ids[at], sample_invoice(at + 1).number, subject.key(at + 1)) for at in range(len(witnesses)))
    now, key = datetime.now(UTC), subject.key(rank)
    return Question((sample_invoice(rank).number,), known, now - timedelta(hours=1), now, (key,) if key else ())


def outcome(subject: Subject, rank: int = 1) -> Any:
    try:
        return subject.deposit(rank)
    except ProblemError as error:
        return error


# --- answers ----------------------------------------------------------------------------------------------------------


def test_a_document_arrives_as_it_is_and_its_id_is_given(subject: Subject) -> None:
    asked: list[float] = []

    found = subject.platform.deposit(document(1), None, lambda: asked.append(time.monotonic()))

    (kept,) = subject.kind.kept()
    assert isinstance(found, Accepted)
    assert (found.platform_id, kept.sha256) == (kept.platform_id, document(1).sha256)
    assert asked


def test_a_lease_that_ends_before_the_last_block_deposits_nothing(subject: Subject) -> None:
    def before_block() -> None:
        raise PlatformBusyError(Problem("lease_too_short", "not sent"))

    with pytest.raises(NotDepositedError):
        subject.platform.deposit(document(1), None, before_block)

    assert not subject.kind.kept()


def test_a_refusal_in_its_own_words_is_one_for_good_with_its_words(subject: Subject) -> None:
    subject.instead(subject.kind.is_deposit, subject.kind.refused, subject.kind.own_error("BT-1 is missing"))

    refused = subject.deposit()

    assert isinstance(refused, Rejected)
    assert refused.problem.http_status == subject.kind.refused
    assert "BT-1 is missing" in refused.problem.sentence()


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 409, 422, 429, 500, 502, 503, 504, 599])
@pytest.mark.parametrize("body", GATEWAYS)
def test_what_a_gateway_says_of_what_was_stored_is_unknown(subject: Subject, status: int, body: bytes) -> None:
    """Anything may stand before a platform, and answer for it what it likes."""
    if status in {400, 422} and body.startswith((b'{"message', b'{"error')):
        pytest.skip("a refusal that names an error may be the platform's: each adapter's own ladder says so")
    subject.afterwards(subject.kind.is_deposit, status, body)

    found = outcome(subject)

    assert isinstance(found, OutcomeUnknownError)
    assert (len(subject.kind.kept()), subject.asked(subject.kind.is_deposit)) == (1, 1)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", PAGE, b'{"id": null, "document": ""}', b'{"id": ["a"], "document": {}}']
)
@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_success_without_an_id_is_unknown(subject: Subject, status: int, body: bytes) -> None:
    subject.afterwards(subject.kind.is_deposit, status, b"" if status == 204 else body)

    assert isinstance(outcome(subject), OutcomeUnknownError)


@pytest.mark.parametrize(
    ("status", "error"), [(403, AccountRefusedError), (404, AccountRefusedError), (429, PlatformBusyError)]
)
def test_its_own_words_say_that_nothing_was_deposited(subject: Subject, status: int, error: type[Exception]) -> None:
    subject.instead(subject.kind.is_deposit, status, subject.kind.own_error("not now"), **{"Retry-After": "120"})

    found = outcome(subject)

    assert type(found) is error
    assert "not now" in str(found)
    assert not isinstance(found, PlatformBusyError) or found.retry_after_seconds == 120


def test_a_token_that_it_refuses_is_renewed_once_and_the_document_sent_again(subject: Subject) -> None:
    refused = iter([Said(401, {}, subject.kind.own_error("token expired"))])
    subject.proxy.before = lambda asked: next(refused, None) if subject.kind.is_deposit(asked) else None

    assert isinstance(subject.deposit(), Accepted)
    assert (len(subject.kind.kept()), subject.asked(subject.kind.is_deposit)) == (1, 2)


# --- the wire ---------------------------------------------------------------------------------------------------------


def test_interim_answers_are_read_past(subject: Subject) -> None:
    def after(asked: Asked, said: Said) -> Said:
        if subject.kind.is_deposit(asked):
            asked.say(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n")
        return said

    subject.proxy.after = after

    first, second = subject.deposit(1), subject.deposit(2)

    assert [each.platform_id for each in subject.kind.kept()] == [first.platform_id, second.platform_id]


def test_an_answer_that_does_not_come_is_unknown_and_the_next_is_the_nexts(subject: Subject) -> None:
    silent = iter([None])
    subject.proxy.after = lambda asked, said: next(silent, said) if subject.kind.is_deposit(asked) else said

    assert isinstance(outcome(subject, 1), OutcomeUnknownError)
    second = subject.deposit(2)

    assert [each.platform_id for each in subject.kind.kept()][1:] == [second.platform_id]


def test_a_redirect_is_not_followed(subject: Subject) -> None:
    subject.instead(subject.kind.is_search, 307, b"", Location=f"{subject.proxy.url}/elsewhere")

    with pytest.raises(NotDepositedError):
        subject.platform.find(sample_invoice(1).number)
    assert all("elsewhere" not in asked.path for asked in subject.proxy.requests)


def test_no_call_begins_after_the_functions_end(subject: Subject) -> None:
    subject.platform.begin_invocation(time.monotonic() - 1)

    for call in (subject.deposit, subject.platform.probe, lambda: subject.platform.find("F-1")):
        with pytest.raises(PlatformBusyError):
            call()
    assert not subject.kind.kept()


# --- secrets ----------------------------------------------------------------------------------------------------------


def test_what_was_sent_as_a_secret_is_in_no_words_of_the_platforms(subject: Subject) -> None:
    subject.platform.obtain_token()

    def quoted(asked: Asked) -> Said | None:
        sent = " ".join(f"{asked.headers.get(name)}" for name in ("Authorization", "customer-id", "Organization-Id"))
        return Said(403, {}, subject.kind.own_error(f"no entry for {sent}")) if subject.kind.is_deposit(asked) else None

    subject.proxy.before = quoted
    found = outcome(subject)

    token = next(a.headers["Authorization"] for a in subject.proxy.requests if subject.kind.is_deposit(a)).split()[1]
    no_secrets = {"client_id", "flow_url", "token_url"}
    for secret in (token, *(each for key, each in subject.kind.secret.items() if key not in no_secrets)):
        assert str(secret) not in f"{found} {found!r} {subject.platform!r} {subject.credentials!r}"


@pytest.mark.parametrize("wrong", [None, "", 7, [], {"a": 1}])
@pytest.mark.parametrize("key", ["client_id", "client_secret"])
def test_a_secret_that_lacks_something_is_refused_with_its_name(subject: Subject, key: str, wrong: object) -> None:
    with pytest.raises(AccountRefusedError, match=f"secret facteur/x: .*{key}"):
        subject.kind.provider.read_secret({**subject.kind.secret, key: wrong}, "facteur/x")


# --- look-ups ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alone", [False, True])
def test_a_look_up_shows_the_deposit_and_the_witness_beside_it(subject: Subject, alone: bool) -> None:
    subject.deposit(1)
    subject.afterwards(subject.kind.is_deposit, 502, PAGE)
    outcome(subject, 2)
    ask = subject.platform.shown_alone if alone else subject.platform.shown

    there, absent = ask([question(subject, 2, 1), question(subject, 3, 1)])

    witness, doubtful = subject.kind.kept()
    assert [each.platform_id for each in there.candidates] == [doubtful.platform_id]
    assert (there.witnesses, absent.witnesses) == (frozenset({witness.platform_id}), frozenset({witness.platform_id}))
    assert absent.candidates == ()
    assert [each.platform_id for each in subject.platform.find(sample_invoice(2).number)] == [doubtful.platform_id]


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("status", [302, 403, 404, 429, 500, 503, 200])
def test_a_search_that_is_not_answered_as_documented_is_no_empty_one(
    subject: Subject, status: int, alone: bool
) -> None:
    subject.deposit(1)
    subject.instead(subject.kind.is_search, status, PAGE)
    ask = subject.platform.shown_alone if alone else subject.platform.shown

    with pytest.raises(NotDepositedError):
        ask([question(subject, 2, 1)])
    with pytest.raises(NotDepositedError):
        subject.platform.find(sample_invoice(2).number)


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("spelt", [str.lower, lambda number: f" {number}\u00a0"])
def test_a_number_in_another_spelling_is_a_candidate(subject: Subject, spelt: Any, alone: bool) -> None:
    """One deposit too many is compared, one too few is sent a second time."""
    subject.deposit(1)
    subject.deposit(2)
    number = sample_invoice(2).number
    written = json.dumps(spelt(number))[1:-1].encode()

    def respelt(asked: Asked, said: Said) -> Said:
        changed = said.body.replace(number.encode(), written) if subject.kind.is_search(asked) else said.body
        return Said(said.status, said.headers, changed)

    subject.proxy.after = respelt
    ask = subject.platform.shown_alone if alone else subject.platform.shown

    (shown,) = ask([question(subject, 2, 1)])

    assert [each.platform_id for each in shown.candidates] == [subject.kind.kept()[1].platform_id]
    assert shown.witnesses


def test_a_witness_that_is_shown_before_and_not_after_is_none(subject: Subject) -> None:
    """Between two answers that show it each number is asked for alone: what comes later may be a cache's, or cut."""
    subject.deposit(1)
    searched = 0

    def fading(asked: Asked) -> Said | None:
        nonlocal searched
        searched += subject.kind.is_search(asked)
        empty = subject.kind.nothing_found
        return Said(200, {}, empty) if subject.kind.is_search(asked) and searched > 1 else None

    subject.proxy.before = fading

    (shown,) = subject.platform.shown_alone([question(subject, 2, 1)])

    assert not shown.witnesses


def test_a_search_that_answers_something_else_does_not_answer_what_is_asked(subject: Subject) -> None:
    subject.deposit(1)
    assert subject.platform.answers_what_is_asked()
    kept: list[Said] = []

    def cached(asked: Asked, said: Said) -> Said:
        if subject.kind.is_search(asked):
            kept.append(said)
        return kept[0] if kept and subject.kind.is_search(asked) else said

    subject.proxy.after = cached
    with suppress(NotDepositedError):  # who pages notices it before
        subject.platform.find(sample_invoice(1).number)

    assert not subject.platform.answers_what_is_asked()


@pytest.mark.parametrize("odd", [None, "", 7.5, [], {"a": 1}])
def test_a_deposit_that_does_not_say_which_one_it_is_is_no_empty_answer(subject: Subject, odd: object) -> None:
    """It may be the one that is looked for."""
    subject.deposit(1)

    def nameless(value: Any) -> Any:
        if isinstance(value, list):
            return [nameless(each) for each in value]
        if not isinstance(value, dict):
            return value
        inner = {key: nameless(each) for key, each in value.items()}
        about = "metadata" in value or subject.kind.shown_as != "invoiceId"
        if subject.kind.shown_as == "invoiceId" and about:
            inner["metadata"] = {**value["metadata"], "invoiceId": odd}
        elif subject.kind.shown_as in inner:
            inner[subject.kind.shown_as] = odd
        return inner

    def after(asked: Asked, said: Said) -> Said:
        return (
            Said(200, said.headers, json.dumps(nameless(said.json())).encode())
            if subject.kind.is_search(asked)
            else said
        )

    subject.proxy.after = after

    with pytest.raises(PlatformBusyError):
        subject.platform.find(sample_invoice(1).number)


# --- copies -----------------------------------------------------------------------------------------------------------


def test_a_copy_is_compared_by_its_bytes(subject: Subject) -> None:
    subject.deposit(1)
    (kept,) = subject.kind.kept()

    assert subject.platform.sha256_of(kept.platform_id) == hashlib.sha256(render(sample_invoice(1), "cii")).hexdigest()


@pytest.mark.parametrize("status", [302, 400, 403, 404, 410])
def test_a_copy_that_is_refused_is_not_shown(subject: Subject, status: int) -> None:
    subject.deposit(1)
    subject.instead(subject.kind.is_copy, status, PAGE)

    assert subject.platform.sha256_of(subject.kind.kept()[0].platform_id) is None


@pytest.mark.parametrize(("status", "body"), [(200, PAGE), (200, b""), (200, b'{"message": "later"}')])
def test_a_page_in_a_copys_place_says_nothing(subject: Subject, status: int, body: bytes) -> None:
    subject.deposit(1)
    subject.instead(subject.kind.is_copy, status, body)

    with pytest.raises(UnreadableCopyError):
        subject.platform.sha256_of(subject.kind.kept()[0].platform_id)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_copy_that_comes_later_is_waited_for(subject: Subject, status: int) -> None:
    subject.deposit(1)
    subject.instead(subject.kind.is_copy, status, PAGE)

    with pytest.raises(PlatformBusyError):
        subject.platform.sha256_of(subject.kind.kept()[0].platform_id)


# --- statuses ---------------------------------------------------------------------------------------------------------


def test_a_history_speaks_the_reforms_codes_and_of_this_deposit_alone(subject: Subject) -> None:
    for rank in (1, 2):
        subject.deposit(rank)
    first, second = subject.kind.kept()
    subject.kind.approve(first.platform_id)

    events = subject.statuses_of(first, 1)

    assert "205" in {each.code for each in events}
    assert {each.platform_id for each in events} == {first.platform_id}
    assert len({each.status_id for each in events}) == len(events)
    assert "205" not in {each.code for each in subject.statuses_of(second, 2)}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        *((status, PAGE) for status in (200, 302, 403, 404, 429, 500, 503)),
        *((200, each) for each in (*GATEWAYS[:3], b"7", b'"later"')),
    ],
)
def test_a_history_that_is_not_answered_as_documented_is_no_empty_one(
    subject: Subject, status: int, body: bytes
) -> None:
    subject.deposit(1)
    subject.instead(subject.kind.is_history, status, body)

    with pytest.raises(NotDepositedError):
        subject.platform.history(subject.kind.kept()[0].platform_id)


def test_a_deposits_id_stays_one_part_of_a_path(subject: Subject) -> None:
    subject.instead(subject.kind.is_history, 503, b"")

    with pytest.raises(NotDepositedError):
        subject.platform.history("../x?y#z")

    assert subject.proxy.requests[-1].path.count("..%2Fx%3Fy%23z") == 1


def test_each_source_of_statuses_that_it_offers_is_one_that_there_is(subject: Subject) -> None:
    offers = subject.kind.provider.capabilities

    assert "history" in offers.statuses  # whatever the setting says, and whatever a search leaves out
    assert set(offers.statuses) <= {"feed", "sweep", "pull", "history"}
    assert ("sweep" in offers.statuses) == (offers.search is not None)


# --- what a reconciliation reads --------------------------------------------------------------------------------------


def test_a_list_shows_every_deposit_once_with_its_key_and_asks_before_each_call(subject: Subject) -> None:
    if not subject.kind.provider.capabilities.listing:
        assert subject.kind.provider.capabilities.search or subject.kind.provider.name == "toy"
        return
    keys = [str(uuid4()), str(uuid4())]
    for rank, key in enumerate(keys):
        subject.platform.deposit(document(rank), key, lambda: None)
    asked: list[int] = []

    page = subject.platform.listed(datetime.now(UTC) - timedelta(hours=1), None, lambda: asked.append(1))

    assert page is not None
    kept = [each.platform_id for each in subject.kind.kept()]
    assert {each.platform_id: each.own_key for each in page.sightings} == dict(zip(kept, keys, strict=True))
    assert len(asked) == subject.asked(subject.kind.is_search)


@pytest.mark.parametrize("body", [b"{}", b"null", b'{"results": null}', PAGE])
def test_an_answer_that_is_no_list_is_never_an_empty_one_to_compare_with(subject: Subject, body: bytes) -> None:
    if not subject.kind.provider.capabilities.listing:
        return
    subject.deposit(1)
    subject.instead(subject.kind.is_search, 200, body)

    with pytest.raises(NotDepositedError):
        subject.platform.listed(datetime.now(UTC) - timedelta(hours=1), None, lambda: None)


# --- whether it works -------------------------------------------------------------------------------------------------


def test_a_probe_returns_where_it_was_answered_as_documented_and_deposits_nothing(subject: Subject) -> None:
    moment = subject.platform.probe()

    assert moment is None or abs(moment - datetime.now(UTC)) < timedelta(days=1)
    assert not subject.kind.kept()


@pytest.mark.parametrize("status", [200, 302, 400, 403, 404, 429, 503])
def test_a_probe_that_is_answered_by_something_else_does_not_end_an_accounts_waiting(
    subject: Subject, status: int
) -> None:
    subject.instead(subject.kind.is_search, status, PAGE)

    with pytest.raises(NotDepositedError):
        subject.platform.probe()


def test_a_probe_believes_no_error_either(subject: Subject) -> None:
    """In the platform's own words a 400 may say that nobody knows the account."""
    subject.instead(subject.kind.is_search, 400, subject.kind.own_error("this customer is unknown"))

    with pytest.raises(NotDepositedError):
        subject.platform.probe()


def test_a_probe_asks_what_no_cache_knows(subject: Subject) -> None:
    subject.platform.probe()
    subject.platform.probe()

    first, second = [(asked.path, asked.body) for asked in subject.proxy.requests if subject.kind.is_search(asked)][:2]
    assert first != second
