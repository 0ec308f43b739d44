"""What each answer to a deposit means: the table of design.md §5 and iopole-api.md §2, over every status and shape of body."""

from __future__ import annotations

import json
import time
from email.utils import formatdate

import pytest
import requests

from facteur.adapters.http import HttpAnswer, told_apart
from facteur.adapters.iopole import meaning_of_deposit
from facteur.adapters.multipart import SingleFileBody
from facteur.errors import AccountRefusedError, OutcomeUnknownError, PlatformBusyError, ProblemError
from facteur.model import Accepted, Answer, Duplicate, Rejected

ISSUE = {"validation": "custom", "code": "INVALID", "message": "file is not acceptable", "path": ["file"]}
CREATED = {"type": "INVOICE", "id": "01a2b3c4-0000-7000-8000-0000000000aa"}
HTML = b"<html><head><title>Log in</title></head><body>nginx</body></html>"
DOCUMENTED = {
    "details": {"statusMessage": "Request validation issues", "details": ISSUE},
    "details_list": {"statusMessage": "Request validation issues", "details": [ISSUE]},
    "details_only": {"details": {"code": "custom", "message": "Resolved to private IP", "path": ["file"]}},
    "details_words": {"details": ["file is not acceptable"]},
    "message": {"message": "UNKNOWN_INVOICE_FORMAT"},
    "messages": {"statusCode": 400, "message": ["file is empty", "file has no name"], "error": "Bad Request"},
    "code": {"code": "DUPLICATE_RESOURCE", "statusMessage": "Resource already exists"},
    "oauth": {"error": "invalid_request", "error_description": "no"},
    "tools": {"statusMessage": "Invalid", "details": {"schemaValidationErrors": [], "schematronValidationErrors": []}},
}
UNDOCUMENTED = {
    "empty": b"", "html": HTML, "text": b"Bad Request", "array": b"[]", "string": b'"no"', "null": b"null", "object": b"{}",
    "cut": b'{"statusMessage":"Req', "elsewhere": b'{"fault":{"faultstring":"denied"}}', "blank": b'{"message":"","code":""}',
    "binary": b"\xff\xfe\x00", "deep": b"[" * 20_000,
}  # fmt: skip
BODIES = {name: json.dumps(body).encode() for name, body in DOCUMENTED.items()} | UNDOCUMENTED
ACCEPTED, REJECTED, DUPLICATE, UNKNOWN, BUSY, ACCOUNT = (
    Accepted, Rejected, Duplicate, OutcomeUnknownError, PlatformBusyError, AccountRefusedError,
)  # fmt: skip

BY_STATUS: dict[int, tuple[type, type]] = {  # status -> with a body of the platform's shape, with any other
    **dict.fromkeys((200, 201, 202, 203, 204, 206, 226, 299), (UNKNOWN, UNKNOWN)),  # a success without an id
    **dict.fromkeys((300, 301, 302, 303, 304, 307, 308), (ACCOUNT, ACCOUNT)),
    **dict.fromkeys((400, 415, 422), (REJECTED, ACCOUNT)),
    **dict.fromkeys(
        (401, 402, 403, 404, 405, 406, 407, 410, 411, 412, 414, 416, 418, 421, 425, 426, 451, 499), (ACCOUNT, ACCOUNT)
    ),
    408: (UNKNOWN, UNKNOWN),
    409: (DUPLICATE, DUPLICATE),
    413: (REJECTED, REJECTED),
    429: (BUSY, BUSY),
    **dict.fromkeys((500, 501, 502, 503, 504, 507, 520, 599), (UNKNOWN, UNKNOWN)),
    **dict.fromkeys((100, 101, 199, 600, 999), (UNKNOWN, UNKNOWN)),  # nobody should say this
}


def meaning(status: int, body: bytes, headers: dict[str, str] | None = None) -> Answer | ProblemError:
    try:
        return meaning_of_deposit(HttpAnswer(status, headers or {}, body))
    except ProblemError as error:
        return error


@pytest.mark.parametrize("status", BY_STATUS)
def test_what_an_answer_means(status: int) -> None:
    known, other = BY_STATUS[status]

    found = {shape: meaning(status, body) for shape, body in BODIES.items()}

    assert {shape: type(each) for shape, each in found.items()} == {
        shape: known if shape in DOCUMENTED else other for shape in BODIES
    }
    assert {each.problem.http_status for each in found.values() if not isinstance(each, Accepted)} == {status}


@pytest.mark.parametrize("status", [each for each in BY_STATUS if each != 201])
def test_only_a_201_is_a_deposit_even_if_another_answer_names_an_id(status: int) -> None:
    assert not isinstance(meaning(status, json.dumps(CREATED).encode()), Accepted)


@pytest.mark.parametrize(
    ("body", "platform_id"),
    [
        (CREATED, CREATED["id"]),
        ({"id": " 01a2 "}, "01a2"),
        ({"id": "01a2", "type": "SOMETHING_NEW", "more": {}}, "01a2"),
        ({"id": "  "}, None),
        ({"id": ""}, None),
        ({"id": None}, None),
        ({"id": 17}, None),
        ({"id": ["01a2"]}, None),
        ({"invoiceId": "01a2"}, None),
        ([CREATED], None),
        ("01a2", None),
    ],
)
def test_a_201_is_a_deposit_if_its_id_can_be_read_and_a_doubt_otherwise(body: object, platform_id: str | None) -> None:
    found = meaning(201, json.dumps(body).encode())

    assert found.platform_id == platform_id if isinstance(found, Accepted) else platform_id is None
    assert isinstance(found, Accepted | OutcomeUnknownError)


@pytest.mark.parametrize(
    ("shape", "code", "words"),
    [
        ("details", "INVALID", "Request validation issues – file is not acceptable"),
        ("details_list", "INVALID", "Request validation issues – file is not acceptable"),
        ("details_only", "custom", "Resolved to private IP"),
        ("details_words", None, "file is not acceptable"),
        ("message", None, "UNKNOWN_INVOICE_FORMAT"),
        ("messages", "Bad Request", "file is empty – file has no name"),
        ("code", "DUPLICATE_RESOURCE", "Resource already exists"),
        ("oauth", "invalid_request", "no"),
        ("tools", None, "Invalid"),
    ],
)
def test_a_refusal_keeps_the_platforms_code_and_words(shape: str, code: str | None, words: str) -> None:
    found = meaning(400, BODIES[shape])

    assert isinstance(found, Rejected)
    assert (found.problem.platform_code, found.problem.platform_message) == (code, words)
    assert found.response == BODIES[shape].decode()


def test_a_413_in_html_is_rejected_without_words() -> None:
    found = meaning(413, HTML)

    assert isinstance(found, Rejected)
    assert found.problem.sentence() == "HTTP 413: the platform refused the invoice."


def test_words_are_kept_at_a_bearable_length_and_on_one_line() -> None:
    body = {"message": "one\ntwo\x1b[31m\x00 " + "é" * 10_000, "code": "A\nB\ud800"}

    found = meaning(400, json.dumps(body).encode())

    assert isinstance(found, Rejected)
    assert found.problem.platform_message is not None
    assert found.problem.platform_message.startswith("one two [31m  é")
    assert len(found.problem.platform_message) <= 500
    assert found.problem.platform_code == "A B?"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None), ("", None), ("7", 7), (" 120 ", 120), ("0", 0), ("-5", None), ("1.5", None), ("soon", None), ("²", None),
        ("99999999999", 86400), ("9" * 5000, 86400), ("Fri, 31 Dec 9999 23:59:59 GMT", 86400),
        ("Fri, 31 Dec 99999999999999999999 23:59:59 GMT", None), ("Mon, 01 Jan 0001 00:00:00 GMT", 0),
        ("Mon, 01 Jan 0001 00:00:00 +2359", 0), ("Wed, 99 Oct 2026 07:28:00 GMT", None), ("Wed, 21 Oct 2026", None),
    ],
)  # fmt: skip
def test_a_429_waits_as_long_as_retry_after_says_but_at_most_a_day(header: str | None, seconds: float | None) -> None:
    found = meaning(429, b"", {} if header is None else {"Retry-After": header})

    assert isinstance(found, PlatformBusyError)
    assert found.retry_after_seconds == (None if seconds is None else pytest.approx(seconds, abs=5))


@pytest.mark.parametrize(("offset", "seconds"), [(600, 600), (-600, 0)])
def test_retry_after_may_be_a_date(offset: float, seconds: float) -> None:
    found = meaning(429, b"", {"Retry-After": formatdate(time.time() + offset, usegmt=True)})

    assert isinstance(found, PlatformBusyError)
    assert found.retry_after_seconds == pytest.approx(seconds, abs=5)


@pytest.mark.parametrize(("whole", "expected"), [(False, PlatformBusyError), (True, OutcomeUnknownError)])
def test_no_answer_is_a_doubt_only_once_the_whole_body_has_left(whole: bool, expected: type[ProblemError]) -> None:
    body = SingleFileBody("file", "a.xml", "application/xml", open("/dev/null", "rb"), 0, lambda: None)  # noqa: SIM115
    body.whole_sent = whole

    with body._file, pytest.raises(expected), told_apart(body):
        raise requests.ConnectTimeout("no answer")
