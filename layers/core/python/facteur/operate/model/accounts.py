"""Accounts as a person looks at them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Route:
    """From `since` on, what is opened for the account is deposited with these credentials."""

    since: datetime
    credentials: str
    begun: bool


@dataclass(frozen=True, slots=True)
class Account:
    """One account. `credentials` is the last part of the name of the secret that deposits what is opened for it now.

    `open` counts what was opened with its own secret and is not over, by state. `pin` is the platform and client that its deposits
    were made with, None before the first; `own_address`: its secret names the platform itself.
    """

    account: str
    credentials: str
    per_minute: float | None
    paused_until: datetime | None
    pause_reason: str | None
    pin: Mapping[str, str] | None
    own_address: bool
    open: Mapping[str, int]
    routes: tuple[Route, ...]


@dataclass(frozen=True, slots=True)
class Accounts:
    """All accounts that are known, and how many calls a minute they may make together."""

    accounts: tuple[Account, ...]
    requests_per_minute: float
