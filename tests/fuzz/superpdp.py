"""What SUPER PDP shows: lists of deposits, events, the company and the directory. What is no list is never an empty one."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any

from facteur.aws.secrets_manager import SecretUnreadableError, object_in
from facteur.domain.doubt import Question, Shown, Witness
from facteur.domain.submission import Rejected
from facteur.errors import AccountRefusedError, NotDepositedError, ProblemError
from facteur.platforms import answers, superpdp
from facteur.platforms.http import HttpAnswer
from facteur.platforms.port import Platform
from facteur.platforms.registry import PROVIDERS
from facteur.platforms.secret_keys import refuse_another_kinds_keys, refuse_unknown_keys
from facteur.platforms.superpdp import client, reading
from tests.fuzz.canned import adapter, list_in, readings, tried
from tests.fuzz.ladders import DOCUMENT, KEY
from tests.fuzz.target import Planted, Target, answered, sample

NUMBER, ID = "F-2026-0042", 4_000_000_001
NOW = datetime(2026, 10, 12, 9, tzinfo=UTC)
ENTRY = {
    "id": ID, "direction": "out", "created_at": "2026-10-12T08:15:30.412Z", "external_id": KEY,
    "en_invoice": {
        "number": NUMBER, "currency_code": "EUR", "totals": {"total_with_vat": "120.50"},
        "seller": {"legal_registration_identifier": {"value": "111111111", "scheme": "0002"}},
    },
    "events": [{"id": 7, "status_code": "api:sent", "created_at": "2026-10-12T08:15:31Z"}],
}  # fmt: skip
PAGE = {"data": [ENTRY, ENTRY | {"id": ID - 1, "external_id": "another"}], "has_before": False}
EVENTS = {"data": [
    {"id": 7, "invoice_id": ID, "status_code": "fr:205", "status_text": "Approuvée", "created_at": "2026-10-12T08:15:31Z"},
    {"id": 9, "invoice_id": ID, "status_code": "fr:213", "created_at": "2026-10-12T08:15:31Z", "details": [{"reason": "DOUBLON"}],
     "data": {"reason": "DOUBLON: exists"}},
]}  # fmt: skip
COMPANY = {"id": 1, "env": "sandbox", "number": "130000078", "number_scheme": "sandbox", "formal_name": "Société"}
LINES = {"data": [{"number": "130000078", "is_active": True}]}
SECRET = {
    "client_id": "a@b.example",
    "client_secret": "s",
    "sandbox": True,
    "base_url": "https://a.example",
    "provider": "superpdp",
}
REFUSED = sample({"http_status_code": 400, "message": "déjà chargé"})
WITNESS = Witness(str(ID - 1), "F-2026-0041", "another")
QUESTION = Question((NUMBER,), (WITNESS,), NOW, NOW, (KEY,), str(ID - 1))
LISTS: tuple[Callable[[Platform], Any], ...] = (
    lambda platform: platform.shown([QUESTION])[0],
    lambda platform: platform.shown_alone([QUESTION])[0],
    lambda platform: platform.deposit(DOCUMENT, KEY, lambda: None),
    lambda platform: platform.find(NUMBER),
    lambda platform: platform.listed(NOW, None, lambda: None),
    lambda platform: platform.listed(NOW, str(ID + 1), lambda: None),
    lambda platform: platform.answers_what_is_asked(),
)


def dice_of(data: bytes) -> random.Random:
    return random.Random(zlib.crc32(data))  # noqa: S311  an input must give the same again


def _pages(data: bytes, whole: bytes) -> Callable[[str, str], HttpAnswer]:
    """First this page, then one that is as it should be, or this one for ever; a deposit is refused."""
    again, turn = dice_of(data).random() < 0.5, count()

    def answer(method: str, path: str) -> HttpAnswer:
        if method == "POST":
            return answered(REFUSED, 400)
        return answered(data if next(turn) == 0 or again else whole)

    return answer


def _is_ours(entry: object) -> bool:
    if not isinstance(entry, Mapping):
        return False
    number = entry.get("id")
    is_whole = isinstance(number, int) and not isinstance(number, bool) and 0 < number < 2**63
    return is_whole and entry.get("external_id") == KEY and entry.get("direction") == "out"


def _lists(data: bytes) -> object:
    shown = list_in(data, "data")
    ours = any(map(_is_ours, shown or []))
    found = []
    for act in dice_of(data).sample(LISTS, 2):
        said = tried(lambda act=act: act(adapter("superpdp", _pages(data, sample(PAGE)))))  # type: ignore[misc]
        if not isinstance(said, ProblemError):
            assert shown is not None, "what is no list was read as one"
            assert not (ours and isinstance(said, Rejected)), "a deposit that is shown was refused"
            assert not (
                ours and isinstance(said, Shown) and not any(each.own_key == KEY for each in said.candidates)
            ), "not seen"
            found.append(said)
    return found


def _events(data: bytes) -> object:
    platform = adapter("superpdp", _pages(data, sample(EVENTS)))
    found = tried(lambda: platform.feed(None, NOW, lambda: True)), tried(lambda: platform.feed("7", NOW, lambda: True))
    history = tried(lambda: adapter("superpdp", _pages(data, sample(EVENTS))).history(str(ID)))
    shown = list_in(data, "data")
    assert shown is not None or all(isinstance(each, ProblemError) for each in (found[0], history)), (
        "no list was read as one"
    )
    for page in found:
        for entry in [] if isinstance(page, ProblemError) else page.entries:  # type: ignore[attr-defined]
            assert entry.cursor is None or 0 < int(entry.cursor) < 2**63
    return [each for each in (*found, history) if not isinstance(each, ProblemError)]


def _company(data: bytes) -> object:
    environments = {str(each.get("env")).strip().casefold() for each in readings(data) if isinstance(each, Mapping)}
    said, named = dice_of(data).choice(
        ((True, {"sandbox"}), (False, {"production"}), (None, {"sandbox", "production"}))
    )
    platform = adapter("superpdp", lambda _method, _path: answered(data), sandbox=said)
    if not isinstance(tried(platform.obtain_token), ProblemError):
        assert environments & named, "another environment was taken for ours"
    there = tried(lambda: platform.reachable("130000078"))
    assert isinstance(there, ProblemError) or list_in(data, "data") is not None, "no list was read as one"
    return None


def _secret(data: bytes) -> object:
    return secret_of("superpdp", data)


def secret_of(name: str, data: bytes) -> object:
    """What a secret says, by way of all that looks at it before anything is sent."""
    said = object_in(data.decode("utf-8", "replace"), "facteur/x")
    provider = PROVIDERS[name]
    refuse_another_kinds_keys(said, provider, PROVIDERS, "facteur/x")
    refuse_unknown_keys(said, provider, "facteur/x")
    found = provider.read_secret(said, "facteur/x")
    assert all((found.client_id, found.client_secret, found.address))
    return found


TARGETS = (
    Target("SUPER PDP: lists", _lists, (sample(PAGE), sample(PAGE["data"])), (),
           Planted(answers.listed, 'body.get("data") if', 'body.get("data") or [] if')),
    Target("SUPER PDP: events", _events, (sample(EVENTS),), (NotDepositedError,),
           Planted(reading.whole_number, "isinstance(value, int) and not", "not")),
    Target("SUPER PDP: company and directory", _company, (sample(COMPANY), sample(LINES)), (),
           Planted(client.SuperPdp._check_environment, "self._said is not ENVIRONMENTS[environment]", "False")),
    Target("SUPER PDP: secrets", _secret, (sample(SECRET),), (AccountRefusedError, SecretUnreadableError),
           Planted(superpdp._address_in, "isinstance(named, str)", "True")),
)  # fmt: skip
