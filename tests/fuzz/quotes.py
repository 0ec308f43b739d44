"""What was sent as a secret, quoted in whatever a platform says: nothing of it is left, and a megabyte is looked at in time."""

from __future__ import annotations

import base64
import functools
import html
import json
import random
import re
import string
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import quote, quote_plus, unquote

from facteur.platforms import blanking
from facteur.platforms.blanking import PIECE, Blanking
from facteur.platforms.http import HttpAnswer
from tests.fuzz.superpdp import dice_of
from tests.fuzz.target import Planted, Target, sample

LONG, SHORT = 1_000_000, 4_000  # characters
LONG_SHARE = 0.005
LONGEST_SECONDS = 8.0  # of CPU time for a megabyte that was read twice; squared time would take hours
ASCII = string.ascii_letters + string.digits
TOKEN = "".join(random.Random(1).choices(ASCII + "-._~+/", k=1200))  # noqa: S311  the same one each time
SECRETS = (
    TOKEN,
    "s&+ é/gQ7xLw2ZpRt9Vb",
    "aB3&kL9<pQ2>xY7'zz\"w4",
    "p4ss-9Z",
    "0198c0de-77aa-7000-8000-0000000c0ffe",
    "n\\t7%41x&amp;Q8b",
)
CLIENT = "me-4711@example.org"
ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


def _in_json(text: str) -> str:
    return json.dumps(text)[1:-1]


SPELLINGS: tuple[Callable[[str], str], ...] = (
    str, str.upper, str.lower, quote, quote_plus, html.escape, _in_json,
    lambda text: html.escape(html.escape(text)),
    lambda text: quote(quote(text, safe=""), safe=""),
    lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    lambda text: "".join(f"&#{ord(each)};" for each in text),
    lambda text: "".join(f"&#x{ord(each):X};" for each in text),
    lambda text: "".join(f"\\u{ord(each):04x}" for each in text),
    lambda text: _in_json(html.escape(text)),
    lambda text: "\n".join(text[at : at + 7] for at in range(0, len(text), 7)),
    lambda text: "\f".join(text[at : at + 5] for at in range(0, len(text), 5)),
)  # fmt: skip


def _spelt(secret: str, dice: random.Random) -> str:
    """A secret as somebody quotes it: whole, without its end, or without its beginning."""
    cut = dice.randrange(3) if len(secret) >= 16 else 0
    at = dice.randrange(16, len(secret) + 1) if cut else 0
    part = secret[:at] if cut == 1 else secret[-at:] if cut else secret
    spelt = dice.choice(SPELLINGS)(part)
    return base64.b64encode(f"{CLIENT}:{secret}".encode()).decode() if dice.random() < 0.05 else spelt


def _body(junk: str, spelt: Sequence[str], dice: random.Random) -> bytes:
    """A page, or JSON, that has the quotes somewhere in it."""
    size = LONG if dice.random() < LONG_SHARE else SHORT
    text = (junk * (size // max(1, len(junk)) + 1))[:size]
    for each in spelt:
        at = dice.randrange(len(text) + 1)
        text = (
            text[:at]
            + dice.choice((" ", "", '"', "\\", "%", "&", "=", ">"))
            + each
            + dice.choice((" ", "", '"', "<", "…"))
            + text[at:]
        )
    shape = dice.randrange(4)
    said: Any = {"message": text, "code": "x"} if shape == 0 else [{"errors": [text]}] if shape == 1 else {text: 1}
    whole = text if shape == 3 else json.dumps(said, ensure_ascii=dice.random() < 0.5)
    return whole.encode(dice.choice(("utf-8",) * 6 + ("utf-16", "utf-16-le", "utf-32")), "replace")


def _quoted(data: bytes) -> object:
    dice = dice_of(data)
    found, sent = Blanking(), dice.sample(SECRETS, dice.randrange(1, 4))
    found.remember_sent({"Authorization": f"Bearer {TOKEN}", "customer-id": SECRETS[4]}, None)
    for secret in sent:
        found.remember_sent({}, {"client_id": CLIENT, "client_secret": secret})
    body = _body(data.decode("utf-8", "replace"), [_spelt(each, dice) for each in sent], dice)
    answer = HttpAnswer(400, {}, body, blanking=found)
    shown = answer.text + " " + json.dumps(answer.json(), ensure_ascii=False)
    for reading in _readings(shown):
        assert not any(_is_in(_letters(secret), reading) for secret in sent), "a secret is left"
    return None


def _readings(text: str) -> Iterator[str]:
    """The letters of what is shown, as it stands and as somebody reads it who undoes its escapes."""
    for _ in range(3):
        yield _letters(text)
        text = html.unescape(unquote(ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)))
    yield _letters(text)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.lower().encode("ascii", "ignore").decode()))


def _is_in(letters: str, reading: str) -> bool:
    """Whether a piece of a long secret is there, or a short one as a whole."""
    size = min(PIECE, len(letters))
    return not _pieces(letters, size).isdisjoint(reading[at : at + size] for at in range(len(reading) - size + 1))


@functools.cache
def _pieces(letters: str, size: int) -> frozenset[str]:
    return frozenset(letters[at : at + size] for at in range(len(letters) - size + 1))


TARGETS = (
    Target("quotes of secrets", _quoted, (b"<html><p>Bad request &amp; more</p>", b"%41", sample({"message": "no", "code": "x"})), (),
           Planted(blanking._readings, "range(ROUNDS)", "range(0)"), LONGEST_SECONDS),
)  # fmt: skip
