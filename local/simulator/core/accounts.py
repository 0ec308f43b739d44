"""Accounts and their tokens."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from secrets import token_urlsafe


@dataclass(frozen=True, slots=True)
class Account:
    """Credentials, and whose they are: an operator at Iopole (`customer_id`), one company at SUPER PDP (`company`).

    `mode` PUSH means that a webhook takes the statuses.
    """

    client_id: str
    client_secret: str = field(repr=False)
    customer_id: str = ""
    mode: str = "PULL"
    sandbox: bool = True
    company: str = ""
    verification: str = "verified"


@dataclass(slots=True)
class Accounts:
    """Who may call, and the tokens that are good until an instant."""

    by_client_id: dict[str, Account] = field(default_factory=dict)
    tokens: dict[str, tuple[str, float]] = field(default_factory=dict)

    def add(self, account: Account) -> None:
        self.by_client_id[account.client_id] = account

    def remove(self, client_id: str) -> None:
        self.by_client_id.pop(client_id, None)
        self.revoke(client_id)

    def issue(self, client_id: str, client_secret: str, now: float, seconds: int) -> str | None:
        """A token for good credentials, None for bad ones."""
        account = self.by_client_id.get(client_id)
        if account is None or account.client_secret != client_secret:
            return None
        token = jwt(client_id, now, seconds)
        self.tokens = {each: owner for each, owner in self.tokens.items() if owner[1] > now}
        self.tokens[token] = (client_id, now + seconds)
        return token

    def owner(self, token: str, now: float) -> Account | None:
        client_id, until = self.tokens.get(token, ("", 0.0))
        return self.by_client_id.get(client_id) if until > now else None

    def revoke(self, client_id: str | None = None) -> int:
        """Drop the tokens of one account, or all; says how many."""
        doomed = [token for token, owner in self.tokens.items() if client_id in {None, owner[0]}]
        for token in doomed:
            del self.tokens[token]
        return len(doomed)


def jwt(client_id: str, now: float, seconds: int) -> str:
    """Looks like Keycloak's: three parts, about 1.5 kB; nobody but the simulator can check it."""
    payload = {
        "exp": int(now + seconds),
        "iat": int(now),
        "azp": client_id,
        "scope": "simulator",
        "pad": "x" * 900,
    }
    parts = (json.dumps({"alg": "RS256", "typ": "JWT"}).encode(), json.dumps(payload).encode())
    return ".".join([*(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts), token_urlsafe(32)])
