"""Whatever a platform quotes of what it was sent is blanked, however it is spelt, and nothing else is."""

from __future__ import annotations

import base64
import html
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import pytest

from facteur.platforms.blanking import HIDDEN, Blanking
from facteur.platforms.http import HttpAnswer

TOKEN = "tok3n." + "aZ09-_bY18" * 90
SECRET = "s&+ é/gQ7xLw2ZpRt9Vb"
CLIENT = "me@example.org"
CUSTOMER = "0198c0de-77aa-7000-8000-0000000c0ffe"
FORM = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}


@pytest.fixture(scope="module")
def blanking() -> Blanking:
    found = Blanking()
    found.remember_sent({"Authorization": f"Bearer {TOKEN}", "customer-id": CUSTOMER}, FORM)
    return found


def answer(blanking: Blanking, body: object, status: int = 400) -> HttpAnswer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpAnswer(status, {}, raw, blanking=blanking)


def kept(found: HttpAnswer) -> str:
    """All that anybody could keep of an answer's words."""
    return f"{found.text} {found.json()}"


SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "upper case": str.upper,
    "lower case": str.lower,
    "percent": lambda secret: quote(secret, safe=""),
    "all of it in percent": lambda secret: "".join(f"%{byte:02x}" for byte in secret.encode()),
    "a form": quote_plus,
    "twice in percent": lambda secret: quote(quote(secret, safe=""), safe=""),
    "entities": lambda secret: "".join(f"&#{ord(each)};" for each in secret),
    "hexadecimal entities": lambda secret: "".join(f"&#x{ord(each):x};" for each in secret),
    "JSON in JSON": lambda secret: json.dumps({"a": json.dumps({"b": secret})}),
    "JSON escapes": lambda secret: "".join(f"\\u{ord(each):04x}" for each in secret),
    "wrapped": lambda secret: " ".join(secret[i : i + 7] for i in range(0, len(secret), 7)),
    "lines": lambda secret: "\n".join(secret[i : i + 7] for i in range(0, len(secret), 7)),
    "a header": lambda secret: f"Authorization: Bearer {secret}; customer-id={secret}",
    "in a URL": lambda secret: f"https://example.org/?client_secret={quote(secret)}&x=1",
    "the beginning": lambda secret: secret[:18] + "…",
    "the end": lambda secret: "…" + secret[-18:],
    "the middle": lambda secret: secret[2:20],
}


def traces(secret: str) -> list[str]:
    """Pieces that must not be left in any case."""
    return [secret[i : i + 16].lower() for i in range(len(secret) - 15)] or [secret.lower()]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("secret", [TOKEN, SECRET, CUSTOMER], ids=["token", "secret", "customer-id"])
def test_a_quote_is_blanked_however_it_is_spelt(blanking: Blanking, spelling: str, secret: str) -> None:
    spelt = SPELLINGS[spelling](secret)

    found = kept(answer(blanking, {"message": f"no: {spelt} !", "details": [{spelt: 1}, [spelt]]}))

    assert HIDDEN in found
    assert not any(piece in found.lower() for piece in [*traces(secret), spelt.lower()])


@pytest.mark.parametrize("secret", [f"{CLIENT}:{SECRET}", SECRET])
@pytest.mark.parametrize("before", ["", "x", "xy"])
def test_base64_of_the_secret_is_blanked_wherever_it_begins(blanking: Blanking, secret: str, before: str) -> None:
    encoded = base64.b64encode((before + secret).encode()).decode()

    for quoted in (encoded, encoded.replace("+", "-").replace("/", "_").rstrip("=")):
        found = kept(answer(blanking, {"message": f"Basic {quoted}"}))
        assert not any(piece in found for piece in [quoted[i : i + 16] for i in range(4, len(quoted) - 20)])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32-le"])
def test_a_quote_is_blanked_in_what_is_no_json_and_in_other_encodings(blanking: Blanking, encoding: str) -> None:
    page = f"<html><p>You sent {TOKEN} and {CUSTOMER}</p> as {CLIENT.upper()}</html>".encode(encoding)

    found = answer(blanking, page).text.replace("\0", "").lower()

    assert not any(piece in found for piece in [*traces(TOKEN), *traces(CUSTOMER), CLIENT])


OF_MARKUP = "aB3&kL9<pQ2>xY7'zz\"w4"  # nowhere twelve letters without a sign


@pytest.mark.parametrize(
    "spelt",
    [
        html.escape(OF_MARKUP), html.escape(html.escape(OF_MARKUP)), escape(OF_MARKUP), json.dumps(html.escape(OF_MARKUP)),
        quote(html.escape(OF_MARKUP)), "aB3&AMP;kL9&LT;pQ2&gt;xY7&apos;zz&quot;w4", "aB3&amp;kL9&lt;pQ2&gt;xY7&Tab;zz",
    ],
)  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_the_entities_of_a_page_or_of_xml_are_undone(spelt: str, encoding: str) -> None:
    found = Blanking()
    found.remember_sent({}, {"client_secret": OF_MARKUP})

    for body in (f"<p>no: {spelt}</p>", json.dumps({"message": f"no: {spelt}"})):
        assert "kL9" not in kept(answer(found, body.encode(encoding)))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32"])
@pytest.mark.parametrize(
    "spelling", ["all of it in percent", "JSON escapes", "entities", "twice in percent", "as it is"]
)
def test_escapes_are_undone_in_other_encodings(blanking: Blanking, spelling: str, encoding: str) -> None:
    spelt = SPELLINGS[spelling](CUSTOMER)

    found = kept(answer(blanking, f'{{"message": "no: {spelt}"}}'.encode(encoding)))

    assert HIDDEN in found
    assert not any(piece in found.lower() for piece in (*traces(CUSTOMER), spelt.lower()))


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("newpass1", r"ACME\newpass1"), ("newpass1", "ACME\\newpass1 is wrong"), ("ab12cd34ef56", "100%ab12cd34ef56"),
        ("u0041cd34ef56", "ACME\\u0041cd34ef56"), ("b7f8r9t0", "a\fb7f8\br9t0"), ("41-41-x7y8", "%41-41-x7y8"),
        ("amp;q7w8", "R&amp;q7w8"), ("x\\ny7z8", "x\\ny7z8"), ("x\\ny7z8", "x%5Cny7z8"),
        ("n\\t7%41x&amp;Q8b", "\\" + "".join(f"&#{ord(each)};" for each in "n\\t7%41x&amp;Q8b")),  # of the fuzz
    ],
)  # fmt: skip
def test_a_quote_behind_what_begins_an_escape_keeps_all_its_letters(secret: str, said: str) -> None:
    found = Blanking()
    found.remember_sent({}, {"client_secret": secret})

    for body in (json.dumps({"m": said}).encode(), said.encode()):
        assert kept(answer(found, body)).count(HIDDEN) == (2 if body.startswith(b"{") else 1)
        assert secret not in answer(found, body).text


def test_the_platforms_own_words_stay_beside_a_quote(blanking: Blanking) -> None:
    said = {
        "code": "BR-01",
        "message": f"The amount is wrong (asked with {TOKEN}).",
        "count": 3,
        "ok": False,
        "none": None,
    }

    found: Any = answer(blanking, said).json()

    assert found == said | {"message": f"The amount is wrong (asked with {HIDDEN})."}
    assert json.loads(answer(blanking, said).text) == found


@pytest.mark.parametrize(
    "said",
    [
        {"message": "Basic information required: bearer authentication", "id": "01a20444-a580-7594-9d73-58af104bff6c"},
        {"message": "authorization is needed"},
        {"seller": {"siren": "552100554", "name": "me & example"}, "total": 1234567890.5, "big": 12345678901234567890},
        [{"invoiceId": "F-2026-0001"}] * 200,
        [],
    ],
)
def test_what_quotes_nothing_stays_as_it_is(blanking: Blanking, said: object) -> None:
    found = answer(blanking, said)

    assert (found.json(), found.text) == (said, json.dumps(said))


def test_what_is_hashed_is_never_blanked(blanking: Blanking) -> None:
    assert answer(blanking, TOKEN.encode(), 200).body == TOKEN.encode()


def test_what_an_earlier_call_sent_is_blanked_and_a_token_of_another_container_by_its_shape() -> None:
    found = Blanking()
    for number in range(4):
        found.remember_sent({"Authorization": f"Bearer {number}{TOKEN[::-1]}"}, None)
    said = {
        "message": f"0{TOKEN[::-1]}",
        "was": "Bearer Xk2" + "q" * 30,
        "jwt": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSJ9.abc",
    }
    said["authorization"] = "opaque"

    assert set(answer(found, said).json().values()) == {HIDDEN}


@pytest.mark.parametrize("public", ["552100554", "55210055400017", "short", "", None])
def test_what_is_public_or_too_short_to_be_a_secret_is_not_blanked(public: str | None) -> None:
    found = Blanking()
    found.remember(public)

    assert found.in_json(b"", {"seller": f"{public} and 552100554"}) == {"seller": f"{public} and 552100554"}


@pytest.mark.parametrize("secret", ["p4ss", "p4ss-1", "12345678901234", "4711-82"])
def test_what_is_nothing_but_a_secret_is_blanked_however_short(secret: str) -> None:
    found = Blanking()
    found.remember_sent({"Authorization": "Bearer t0k-9"}, {"client_id": "me", "client_secret": secret})

    assert answer(found, {"said": f"wrong: {secret}", "token": "t0k-9 is over"}).json() == {
        "said": "wrong: [hidden]", "token": "[hidden] is over",
    }  # fmt: skip


def test_a_customer_id_that_comes_as_a_number_is_blanked() -> None:
    found = Blanking()
    found.remember("123456789012345678")

    assert answer(found, {"customer": 123456789012345678}).json() == {"customer": HIDDEN}


def test_hostile_texts_are_looked_at_in_time(blanking: Blanking) -> None:
    began = time.process_time()
    for text in (
        "%25" * 300_000,
        "\\u005c" * 150_000,
        "a" * 1_000_000,
        "&#" * 400_000,
        TOKEN[:6] * 150_000,
        "[" * 900_000,
    ):
        answer(blanking, text.encode()).json()
        answer(blanking, {"m": text}).json()

    assert time.process_time() - began < 10


@pytest.mark.parametrize("header", ["X-Tenant", "Request-Organization-Id", "x-api-key"])
def test_whatever_header_says_who_we_are_is_blanked(header: str) -> None:
    """Any that is not every request's: an adapter chooses its names."""
    found = Blanking()
    found.remember_sent(
        {"User-Agent": "facteur/1", "Content-Type": "application/xml", header: "tenant-of-acme-991"}, None
    )

    assert "acme" not in kept(answer(found, {"message": "no entry for tenant-of-acme-991"}))
    assert "application/xml" in kept(answer(found, {"message": "cannot read application/xml"}))
