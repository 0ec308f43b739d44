"""Adapters before whatever an input says: no network, for thousands of answers are tried."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from facteur.errors import NotDepositedError, OutcomeUnknownError
from facteur.platforms.http import HttpAnswer, HttpClient
from facteur.platforms.port import Platform, Wiring
from facteur.platforms.registry import PROVIDERS
from tests.fuzz.target import answered, sample

API = "https://api.example"
TOKEN = sample({"access_token": "t0k-9", "expires_in": 1740})
CHARSETS = ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "latin-1", "cp1252")
Answered = Callable[[str, str], HttpAnswer]


class Canned(HttpClient):
    """A client that is answered by a function of method and path."""

    answer: Answered

    def call(self, method: str, path: str, **_more: Any) -> HttpAnswer:
        return answered(TOKEN) if _is_token(method, path) else self.answer(method, path)


# It reads the environment: once is enough.
CLIENT = Canned(API, connect_timeout_seconds=1, read_timeout_seconds=1, connections=1)


def adapter(name: str, answer: Answered, **secret: Any) -> Platform:
    """An account's adapter, as it is built for a secret."""
    provider = PROVIDERS[name]
    whole = {"client_id": "a@b.example", "client_secret": "s3cr3t", "sandbox": True} | secret
    credentials = provider.read_secret(whole, "facteur/x")
    assert credentials.address is not None

    client = copy.copy(CLIENT)
    client.answer = answer
    return provider.build(
        Wiring(credentials.address, True, lambda _url: client, lambda _fresh: credentials, "facteur/x")
    )


def _is_token(method: str, path: str) -> bool:
    return method == "POST" and (not path or path.endswith("/token"))


def tried(act: Callable[[], object]) -> object:
    """What an act returns; an error that says that nothing is known, as such."""
    try:
        return act()
    except (NotDepositedError, OutcomeUnknownError) as error:
        return error


def readings(data: bytes) -> Iterator[Any]:
    """Whatever a body may mean as JSON, in any of the charsets that servers write."""
    for text in [data.decode("utf-8", "replace"), *_decoded(data)]:
        try:
            yield json.loads(text)
        except (ValueError, RecursionError):
            continue


def _decoded(data: bytes) -> Iterator[str]:
    for charset in CHARSETS:
        try:
            yield data.decode(charset)
        except ValueError:
            continue


def names_in(data: bytes) -> set[str]:
    """The names in an object, however it is read."""
    return {name for each in readings(data) if isinstance(each, Mapping) for name in each}


def list_in(data: bytes, name: str) -> list[Any] | None:
    """The list under a name, or a bare one; None: there is none, however it is read."""
    for each in readings(data):
        found = each.get(name) if isinstance(each, Mapping) else each
        if isinstance(found, list):
            return found
    return None
