"""What each answer to a deposit means: the ladder, over every status and shape of body."""

from __future__ import annotations

import json
import time
from email.utils import formatdate
from pathlib import Path

import pytest
import requests

from facteur.domain.submission import Accepted, Answer, Rejected
from facteur.errors import AccountRefusedError, OutcomeUnknownError, PlatformBusyError, ProblemError
from facteur.platforms.http import HttpAnswer, classified
from facteur.platforms.iopole.ladder import LADDER
from facteur.platforms.multipart import SingleFileBody

ISSUE = {"validation": "custom", "code": "INVALID", "message": "file is not acceptable", "path": ["file"]}
CREATED = {"type": "INVOICE", "id": "01a2b3c4-0000-7000-8000-0000000000aa"}
HTML = b"<html><head><title>Log in</title></head><body>nginx</body></html>"
OWN = {  # whatever the status: Iopole itself speaks
    "details": {"statusMessage": "Request validation issues", "details": ISSUE},
    "details_list": {"statusMessage": "Request validation issues", "details": [ISSUE]},
    "details_only": {"details": {"code": "custom", "message": "Resolved to private IP", "path": ["file"]}},
    "code": {"code": "DUPLICATE_RESOURCE", "statusMessage": "Resource already exists"},
    "words": {"statusMessage": "Token is missing or invalid"},
    "tools": {"statusMessage": "Invalid", "details": {"schemaValidationErrors": [], "schematronValidationErrors": []}},
}
ANYBODYS = {  # they name an error, and stand in many a gateway's answers
    "details_words": {"details": ["file is not acceptable"]},
    "message": {"message": "UNKNOWN_INVOICE_FORMAT"},
    "amazon": {"message": "Forbidden"},
    "kong": {"message": "no Route matched with those values"},
    "messages": {"statusCode": 400, "message": ["file is empty", "file has no name"], "error": "Bad Request"},
    "oauth": {"error": "invalid_request", "error_description": "no"},
    "azure": {"statusCode": 401, "message": "Access denied due to missing subscription key."},
    "google": {"error": {"code": 403, "message": "The caller does not have permission", "status": "PERMISSION_DENIED"}},
    "spring": {"timestamp": "2026-11-28T21:00:00Z", "status": 404, "error": "Not Found", "path": "/v1/invoice"},
    "problem": {"type": "about:blank", "title": "Too Many Requests", "status": 429},
    "nuxt": {
        "url": "/v1/invoice",
        "statusCode": 404,
        "statusMessage": "Page not found",
        "message": "Page not found",
        "stack": "",
    },
    "list": {"errors": [{"message": "too fast"}]},
}
UNDOCUMENTED = {
    "empty": b"", "html": HTML, "text": b"Bad Request", "array": b"[]", "string": b'"no"', "null": b"null", "object": b"{}",
    "cut": b'{"statusMessage":"Req', "elsewhere": b'{"fault":{"faultstring":"denied"}}', "blank": b'{"message":"","code":""}',
    "binary": b"\xff\xfe\x00", "deep": b"[" * 20_000, "no_words": b'{"statusMessage":" "}', "no_text": b'{"statusMessage":401}',
}  # fmt: skip
DOCUMENTED = OWN | ANYBODYS
BODIES = {name: json.dumps(body).encode() for name, body in DOCUMENTED.items()} | UNDOCUMENTED
ACCEPTED, REJECTED, UNKNOWN, BUSY, ACCOUNT = (
    Accepted,
    Rejected,
    OutcomeUnknownError,
    PlatformBusyError,
    AccountRefusedError,
)

BY_STATUS: dict[int, tuple[type, type, type]] = {  # status -> in the platform's own words, in anybody's, in none
    **dict.fromkeys((400, 415, 422), (REJECTED, REJECTED, UNKNOWN)),
    **dict.fromkeys((401, 403, 404), (ACCOUNT, UNKNOWN, UNKNOWN)),
    413: (REJECTED, REJECTED, REJECTED),
    429: (BUSY, UNKNOWN, UNKNOWN),
    **dict.fromkeys(
        (
            200, 201, 202, 203, 204, 206, 226, 299,  # a success without an id
            300, 301, 302, 303, 304, 307, 308, 402, 405, 406, 407, 408, 409, 410, 411, 412, 414, 416, 418, 421, 425, 426, 451, 499,
            500, 501, 502, 503, 504, 507, 520, 599, 100, 101, 199, 600, 999,  # nobody should say the last
        ),
        (UNKNOWN, UNKNOWN, UNKNOWN),
    ),
}  # fmt: skip


def meaning(status: int, body: bytes, headers: dict[str, str] | None = None) -> Answer | ProblemError:
    try:
        return LADDER.meaning_of(HttpAnswer(status, headers or {}, body))
    except ProblemError as error:
        return error


@pytest.mark.parametrize("status", BY_STATUS)
def test_what_an_answer_means(status: int) -> None:
    own, anybodys, other = BY_STATUS[status]

    found = {shape: meaning(status, body) for shape, body in BODIES.items()}

    assert {shape: type(each) for shape, each in found.items()} == {
        shape: own if shape in OWN else anybodys if shape in ANYBODYS else other for shape in BODIES
    }
    assert {each.problem.http_status for each in found.values() if not isinstance(each, Accepted)} == {status}


def test_the_ladder_in_the_documents_is_the_one_in_the_code() -> None:
    pages = (Path(__file__).parents[2] / "docs" / "reliability.md").read_text()
    table = pages.partition("## What an answer to a deposit means")[2].partition("\n## ")[0]

    rows = [
        tuple(cell.strip() for cell in line.split("|")[1:4]) for line in table.splitlines() if line.startswith("| ")
    ]

    rungs = [(", ".join(map(str, rung.statuses)), rung.body, str(rung.means)) for rung in LADDER.rungs]
    assert rows[1:] == [*rungs, ("everything else", "anything, or nothing", "unknown")]


@pytest.mark.parametrize(
    ("status", "expected"), [(401, ACCOUNT), (404, ACCOUNT), (413, REJECTED), (429, BUSY), (503, BUSY), (200, UNKNOWN)]
)
def test_an_answer_before_the_documents_end_is_no_doubt_unless_it_is_a_success(status: int, expected: type) -> None:
    early = HttpAnswer(status, {}, HTML, whole_body_sent=False)

    try:
        found: Answer | ProblemError = LADDER.meaning_of(early)
    except ProblemError as error:
        found = error

    assert isinstance(found, expected)


@pytest.mark.parametrize("status", [each for each in BY_STATUS if each not in {200, 201, 202}])
def test_only_a_documented_success_is_a_deposit_even_if_another_answer_names_an_id(status: int) -> None:
    assert not isinstance(meaning(status, json.dumps(CREATED).encode()), Accepted)


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize(
    ("body", "platform_id"),
    [
        (CREATED, CREATED["id"]),
        ({"id": "a" * 200}, "a" * 200),
        ({"id": "a" * 201}, None),
        ({"id": "01\x0002"}, None),
        ({"id": "01\n02"}, None),
        ({"id": "\ud800"}, None),
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
def test_a_success_is_a_deposit_if_its_id_can_be_read_and_a_doubt_otherwise(
    body: object, platform_id: str | None, status: int
) -> None:
    found = meaning(status, json.dumps(body).encode())

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
        ("google", None, "The caller does not have permission"),
        ("problem", None, "Too Many Requests"),
        ("list", None, "too fast"),
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
    assert found.problem.platform_message.startswith("one two\\x1b[31m\\x00 é")
    assert len(found.problem.platform_message) <= 500
    assert found.problem.platform_code == "A B\\ud800"


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [
        ("application/json; charset=utf-16", "utf-16"), ("application/json", "utf-16"), ("application/json", "utf-16-le"),
        ("application/json;charset=ISO-8859-1", "latin-1"), ('application/json; charset="windows-1252"', "cp1252"),
        ("application/json; charset=utf-8", "utf-8-sig"), ("application/json; charset=latin-1", "utf-8-sig"), (None, "utf-32"),
        ("application/json; charset=utf-16", "utf-8"), ("application/json; charset=rot13", "utf-8"), ("charset=no-such", "utf-8"),
    ],
)  # fmt: skip
def test_words_are_read_in_the_charset_that_is_named_or_shows(content_type: str | None, encoding: str) -> None:
    body = json.dumps({"message": "Numéro déjà utilisé"}, ensure_ascii=False).encode(encoding)

    found = meaning(422, body, {"Content-Type": content_type} if content_type else {})

    assert isinstance(found, Rejected)
    assert found.problem.platform_message == "Numéro déjà utilisé"


def test_an_id_is_read_in_any_charset() -> None:
    found = meaning(201, json.dumps(CREATED).encode("utf-16"), {"Content-Type": "application/json; charset=utf-8"})

    assert isinstance(found, Accepted)
    assert found.platform_id == CREATED["id"]


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
    found = meaning(429, BODIES["words"], {} if header is None else {"Retry-After": header})

    assert isinstance(found, PlatformBusyError)
    assert found.retry_after_seconds == (None if seconds is None else pytest.approx(seconds, abs=5))


@pytest.mark.parametrize(("offset", "seconds"), [(600, 600), (-600, 0)])
def test_retry_after_may_be_a_date(offset: float, seconds: float) -> None:
    found = meaning(429, b"", {"Retry-After": formatdate(time.time() + offset, usegmt=True)})

    assert isinstance(found, OutcomeUnknownError)
    assert found.retry_after_seconds == pytest.approx(seconds, abs=5)


@pytest.mark.parametrize(("whole", "expected"), [(False, PlatformBusyError), (True, OutcomeUnknownError)])
def test_no_answer_is_a_doubt_only_once_the_whole_body_has_left(whole: bool, expected: type[ProblemError]) -> None:
    body = SingleFileBody("file", "a.xml", "application/xml", open("/dev/null", "rb"), 0, lambda: None)  # noqa: SIM115
    body.whole_sent = whole

    with body._file, pytest.raises(expected), classified(body):
        raise requests.ConnectTimeout("no answer")
