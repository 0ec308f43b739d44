"""What a platform of the norm shows: flows, searches, its feed, the directory; and what a secret of such a platform may say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from facteur.aws.secrets_manager import SecretUnreadableError
from facteur.domain.doubt import Shown
from facteur.domain.status_updates import FeedPage
from facteur.domain.submission import Rejected
from facteur.errors import (
    AccountRefusedError,
    CursorRefusedError,
    NotDepositedError,
    PlatformBusyError,
    Problem,
    ProblemError,
)
from facteur.platforms.afnor import client, flows, pages, reading, secret
from facteur.platforms.http import HttpAnswer
from facteur.platforms.port import Platform
from tests import lifecycle_messages
from tests.fuzz.canned import adapter, list_in, tried
from tests.fuzz.ladders import DOCUMENT, KEY, PLATFORMS
from tests.fuzz.superpdp import NOW, NUMBER, QUESTION, dice_of, secret_of
from tests.fuzz.target import Planted, Target, answered, sample

FLOW = {
    "flowId": "i_4711", "trackingId": KEY, "name": f"{NUMBER}.xml", "flowType": "CustomerInvoice", "flowSyntax": "CII",
    "submittedAt": "2026-10-12T08:15:30.412Z", "updatedAt": "2026-10-12T09:15:30.412Z",
    "acknowledgement": {"status": "Ok", "details": [{"level": "Error", "reasonCode": "X", "reasonMessage": "m"}]},
}  # fmt: skip
MESSAGE = FLOW | {
    "flowId": "i_4712",
    "trackingId": None,
    "flowType": "CustomerInvoiceLC",
    "flowSyntax": "CDAR",
    "name": "m.xml",
}
REFUSED_FLOW = FLOW | {
    "flowId": "i_4713",
    "trackingId": "another",
    "acknowledgement": {"status": "Error", "details": []},
}
FOUND = {"results": [FLOW, MESSAGE, REFUSED_FLOW], "limit": 100, "nextCursor": "a cursor of blanks"}
LINES = {"results": [{"siren": "130000078", "directoryLineStatus": "Enabled"}]}
SECRET = {
    "provider": "afnor", "client_id": "id", "client_secret": "hush-hush-hush", "flow_url": "https://pdp.example/flow-service/v1/",
    "token_url": "https://auth.example/realms/pdp/token", "client_auth": "basic", "organization_id": "o-1", "scope": "flows",
    "processing_rule": "B2B",
}  # fmt: skip
OF_PRESET = {
    "provider": "afnor",
    "client_id": "id",
    "client_secret": "hush",
    "preset": "superpdp-afnor",
    "sandbox": True,
}
REFUSED = sample({"errorCode": "AlreadyExistingFlow", "errorMessage": "there"})
MOST_CALLS = 60


def _adapter(answer: Callable[[str, str], HttpAnswer]) -> Platform:
    return adapter("afnor", answer, **PLATFORMS["afnor"].secret)


def _permits() -> Callable[[], bool]:
    left = iter(range(MOST_CALLS))
    return lambda: next(left, None) is not None


def _before_call() -> Callable[[], None]:
    may_ask = _permits()

    def before() -> None:
        if not may_ask():
            raise PlatformBusyError(Problem("no_time_left", "enough was asked"))

    return before


SEARCHES: tuple[Callable[[Platform], Any], ...] = (
    lambda platform: platform.shown([QUESTION])[0],
    lambda platform: platform.shown_alone([QUESTION])[0],
    lambda platform: platform.deposit(DOCUMENT, KEY, lambda: None),
    lambda platform: platform.find(NUMBER),
    lambda platform: platform.listed(NOW, None, _before_call()),
    lambda platform: platform.answers_what_is_asked(),
    lambda platform: platform.probe(),
)


def _searched(data: bytes) -> Callable[[str, str], HttpAnswer]:
    """First this page of the search, then one that is as it should be, or this one for ever; a deposit is refused."""
    dice, turn = dice_of(data), count()
    again, message = dice.random() < 0.5, dice.choice(lifecycle_messages.SAMPLES)

    def answer(method: str, path: str) -> HttpAnswer:
        if path.endswith("/search"):
            return answered(data if next(turn) == 0 or again else sample(FOUND))
        if method == "POST":
            return answered(REFUSED, 400)
        return answered(message, 200, "application/xml")

    return answer


def _is_ours(flow: object) -> bool:
    """Our deposit, for whoever can read: it stands, and says so in the norm's words."""
    if not isinstance(flow, Mapping) or not isinstance(flow.get("acknowledgement"), Mapping):
        return False
    name = flow.get("flowId")
    is_id = isinstance(name, str) and name.isascii() and name.isalnum() and len(name) <= 36
    is_invoice = flow.get("flowType") == "CustomerInvoice" and flow.get("flowSyntax") == "CII"
    return is_id and is_invoice and flow.get("trackingId") == KEY and flow["acknowledgement"].get("status") == "Ok"


def _searches(data: bytes) -> object:
    shown = list_in(data, "results")
    ours = any(map(_is_ours, shown or []))
    found = []
    for act in dice_of(data).sample(SEARCHES, 2):
        said = tried(lambda act=act: act(_adapter(_searched(data))))  # type: ignore[misc]
        if not isinstance(said, ProblemError):
            assert shown is not None, "what is no list was read as one"
            assert not (ours and isinstance(said, Rejected)), "a deposit that is shown was refused"
            assert not (
                ours and isinstance(said, Shown) and not any(each.own_key == KEY for each in said.candidates)
            ), "not seen"
            found.append(said)
    return found


def _feed(data: bytes) -> object:
    """Page by page; a place that the feed itself has named is never one that it does not know."""
    platform, place, found = _adapter(_searched(data)), None, []
    for turn in range(3):
        page = tried(lambda place=place: platform.feed(place, NOW, _permits()))  # type: ignore[misc]
        assert not isinstance(page, CursorRefusedError), "the feed does not know its own place"
        if not isinstance(page, FeedPage):
            break
        assert turn or list_in(data, "results") is not None, "what is no list was read as one"
        found.append(page)
        place = next((each.cursor for each in reversed(page.entries) if each.cursor), place)
    _adapter(_searched(data)).feed(data.decode("utf-8", "replace")[:2000] or "x", NOW, _permits())
    return found


def _flows(data: bytes) -> object:
    """A flow's own answer, as its history and as a copy."""
    platform = _adapter(lambda _method, _path: answered(data))
    return [platform.history("i_4711"), tried(lambda: platform.sha256_of("i_4711"))]


def _lines(data: bytes) -> object:
    platform = adapter(
        "afnor", lambda _m, _p: answered(data), **PLATFORMS["afnor"].secret, directory_url="https://a.example/directory"
    )
    there = tried(lambda: platform.reachable("130000078"))
    assert isinstance(there, ProblemError) or list_in(data, "results") is not None, "what is no list was read as one"
    return None


def _secret(data: bytes) -> object:
    return secret_of("afnor", data)


TARGETS = (
    Target("AFNOR: flows", _flows, (sample(FLOW), sample(REFUSED_FLOW)), (NotDepositedError,),
           Planted(reading.flow_in, 'fields(found.get("acknowledgement"))', '(found.get("acknowledgement") or {})')),
    Target("AFNOR: searches", _searches, (sample(FOUND), sample({"results": [FLOW]}), sample({"results": []})), (),
           Planted(pages.found_in, 'if not isinstance(body.get("results"), list):',
                   'body.setdefault("results", [])\n    if not isinstance(body["results"], list):')),
    Target("AFNOR: feed", _feed, (sample(FOUND), sample(FOUND | {"nextCursor": None})), (NotDepositedError,),
           Planted(flows.Place.__str__, "{AFTER} {self.after.isoformat()}", "{AFTER} {self.after}")),
    Target("AFNOR: directory", _lines, (sample(LINES),), (),
           Planted(client.Afnor.reachable, 'not isinstance(body.get("results"), list)', "False")),
    Target("AFNOR: secrets", _secret, (sample(SECRET), sample(OF_PRESET)), (AccountRefusedError, SecretUnreadableError),
           Planted(secret._service, "value if isinstance(value, str)", "value if value")),
)  # fmt: skip
