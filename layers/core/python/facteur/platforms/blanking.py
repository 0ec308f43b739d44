"""What was sent as a secret is blanked in whatever the other side says, before anybody keeps it.

Compared are ASCII letters and digits alone, without case, as they are written and after each round of JSON's, URLs' and HTML's escapes
is undone: so it does not matter how a quote is wrapped, escaped or cut, nor what stands before it. Too much is blanked rather than too
little.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from html.entities import html5
from typing import Any
from urllib.parse import unquote_plus

HIDDEN = "[hidden]"
PIECE = 12  # letters and digits: of a quote of sixteen characters there are mostly more
GRAM = 6  # every piece has one that begins at a multiple of STRIDE in the text
STRIDE = PIECE - GRAM + 1
SHORTEST = 8  # what is shorter would be found in innocent words
SHORTEST_SECRET = 4  # of what is nothing but a secret
LONGEST_PUBLIC_NUMBER = 14  # a SIREN or SIRET is no secret
MOST_REMEMBERED = 16  # tokens of some hours, beside what they are fetched with
ROUNDS = 3  # of escapes within escapes

LOWER = bytes.maketrans(bytes(range(65, 91)), bytes(range(97, 123)))
PUNCTUATION = bytes(each for each in range(256) if not chr(each).isalnum() or each > 127)
ESCAPE = re.compile(
    rb"\\(?:u([0-9a-f]{4})|[bfnrt\\])|%([0-9a-f]{2})|&(?:#x([0-9a-f]{1,6})|#([0-9]{1,7})|([a-z][a-z0-9]{1,31}));"
)
ENTITIES = {name.rstrip(";").lower().encode(): value for name, value in html5.items()}
UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
WORD = re.compile(r"[^\s\"'<>,;()\[\]{}]+")
SHAPES = re.compile(  # a token that another container was given
    r"\b(?i:bearer|basic)\s+(?=\S*\d)[A-Za-z0-9._~+/=-]{20,}|\beyJ[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]*)*"
)
SECRET_KEYS = frozenset({"authorization", "access_token", "client_secret"})
# What every request is sent with; any other header says who we are.
PLAIN_HEADERS = frozenset(
    {"user-agent", "accept", "accept-encoding", "connection", "cache-control", "content-type", "content-length"}
)


class Blanking:
    """What an account has sent as a secret. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent: OrderedDict[str, tuple[bytes, ...]] = OrderedDict()
        self._grams: frozenset[bytes] = frozenset()
        self._forms: tuple[bytes, ...] = ()  # longer than a piece, found by pieces
        self._short: tuple[bytes, ...] = ()  # found as a whole
        self._named: frozenset[str] = frozenset()  # headers that say who we are

    def remember(self, secret: str | None, *, encoded: bool = False, certain: bool = False) -> None:
        """Blank it from now on, if it is long enough to be a secret, or `certain` to be one; `encoded`: in base64 as well."""
        if not secret or (secret.isdecimal() and len(secret) <= LONGEST_PUBLIC_NUMBER and not certain):
            return
        with self._lock:
            known = secret in self._sent
            if not known:
                shortest = SHORTEST_SECRET if certain else SHORTEST
                self._sent[secret] = tuple(each for each in _forms(secret, encoded) if len(each) >= shortest)
            self._sent.move_to_end(secret)
            if len(self._sent) > MOST_REMEMBERED:
                self._sent.popitem(last=False)
            if not known:
                self._prepare()

    def remember_sent(self, headers: Mapping[str, str], form: Mapping[str, str] | None) -> None:
        """What a request says of who we are."""
        kind, _, given = headers.get("Authorization", "").rpartition(" ")
        self.remember(given, certain=True)
        if kind == "Basic":
            self._remember_client(*map(unquote_plus, base64.b64decode(given).decode().split(":", 1)))
        for name, value in headers.items():
            if name.lower() not in PLAIN_HEADERS | {"authorization"}:
                self._named |= {name.lower()}
                self.remember(value)
        if form and "client_secret" in form:
            self._remember_client(form.get("client_id", ""), form["client_secret"])

    def _remember_client(self, client_id: str, secret: str) -> None:
        self.remember(client_id)
        self.remember(secret, encoded=True, certain=True)
        self.remember(f"{client_id}:{secret}", encoded=True)

    def in_json(self, body: bytes, value: Any) -> Any:
        """A body's JSON, blanked. Raises RecursionError where it is nested too deeply."""
        return self._in_value(value) if self._quoted(body) else value

    def in_text(self, body: bytes, text: str) -> str:
        """A body's text, blanked; JSON stays JSON."""
        if not self._quoted(body):
            return text
        try:
            return json.dumps(self._in_value(json.loads(text)), ensure_ascii=False)
        except (ValueError, RecursionError):
            return self._in_words(text)

    def of_words_in(self, body: bytes) -> Callable[[str], str]:
        """What blanks some of a body's words."""
        return self._in_words if self._quoted(body) else str

    def _prepare(self) -> None:
        forms = [form for each in self._sent.values() for form in each]
        self._forms = tuple(form for form in forms if len(form) >= PIECE)
        self._short = tuple(form for form in forms if len(form) < PIECE)
        self._grams = frozenset(form[i : i + GRAM] for form in self._forms for i in range(len(form) - GRAM + 1))

    def _quoted(self, said: bytes) -> bool:
        said = said.replace(b"\0", b"")  # of UTF-16 and UTF-32
        lower = said.translate(LOWER)
        shaped = b"eyJ" in said or b"bearer " in lower or b"basic " in lower or b"authorization" in lower
        return shaped or self._known(lower)

    def _known(self, said: bytes) -> bool:
        return any(map(self._known_letters, _readings(said)))

    def _known_letters(self, plain: bytes) -> bool:
        for short in self._short:
            if short in plain:
                return True
        grams = [plain[i : i + GRAM] for i in range(0, len(plain), STRIDE)]
        if self._grams.isdisjoint(grams):
            return False
        met = [STRIDE * rank for rank, gram in enumerate(grams) if gram in self._grams]
        pieces = {plain[i : i + PIECE] for at in met for i in range(max(0, at - STRIDE + 1), at + 1)}
        return any(piece in form for piece in pieces if len(piece) == PIECE for form in self._forms)

    def _in_value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self._in_words(key): self._in_entry(key, each) for key, each in value.items()}
        if isinstance(value, list):
            return [self._in_value(each) for each in value]
        if isinstance(value, str):
            return self._in_words(value)
        return HIDDEN if isinstance(value, int | float) and self._known(str(value).encode()) else value

    def _in_entry(self, key: str, value: Any) -> Any:
        return HIDDEN if isinstance(value, str) and key.lower() in SECRET_KEYS | self._named else self._in_value(value)

    def _in_words(self, text: str) -> str:
        """Blank the words that quote, or all where a quote goes over several.

        A UUID quotes another only as a whole: those that one machine makes, a customer's and its deposits', have long pieces alike.
        """
        if UUID.fullmatch(text):
            return HIDDEN if _letters(text.encode()) in self._forms else text
        text = SHAPES.sub(HIDDEN, text)
        if not self._known(text.encode("utf-8", "replace")):
            return text
        text = WORD.sub(self._word, text)
        return HIDDEN if self._known(text.encode("utf-8", "replace")) else text

    def _word(self, found: re.Match[str]) -> str:
        return HIDDEN if self._known(found[0].encode("utf-8", "replace")) else found[0]


def _forms(secret: str, encoded: bool) -> list[bytes]:
    raw = secret.encode("utf-8", "replace")
    in_base64 = [base64.b64encode(b"\0" * before + raw) for before in range(3)] if encoded else []
    return [*dict.fromkeys(each for form in (raw, *in_base64) for each in _readings(form))]


def _readings(said: bytes) -> Iterator[bytes]:
    """The letters of a text as it is written, and as each round of its escapes leaves it.

    Only both together are whole: an escape may stand for a letter, and a letter may stand behind what begins an escape.
    """
    said = said.replace(b"\0", b"").translate(LOWER)
    yield _letters(said)
    for _ in range(ROUNDS):
        before, said = said, ESCAPE.sub(_undone, said)
        if said == before:
            break
        yield _letters(said)


def _letters(said: bytes) -> bytes:
    """Letters and digits alone, in lower case."""
    return said.translate(LOWER, PUNCTUATION)


def _undone(found: re.Match[bytes]) -> bytes:
    """What one escape stands for, if that is a sign of ASCII. An entity that has no name stays: `&a1;` may be what is quoted."""
    if digits := found[1] or found[2] or found[3]:
        return _ascii(int(digits, 16))
    if found[4]:
        return _ascii(int(found[4]))
    if found[5]:
        return _ascii(ord(ENTITIES[found[5]][0])) if found[5] in ENTITIES else found[0]
    return b"\\" if found[0] == b"\\\\" else b""  # JSON's other ones stand for no letter


def _ascii(code: int) -> bytes:
    return bytes([code]).translate(LOWER) if code < 128 else b""
