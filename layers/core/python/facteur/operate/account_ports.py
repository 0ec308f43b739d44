"""What operations on accounts need from the outside, in their own words."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from facteur.operate.account_model import Account
from facteur.operate.act_model import Act


class AccountStore(Protocol):
    """Postgres, for accounts. An act raises OperatorError where it is refused, and DatabaseUnavailableError; nothing was done then."""

    def accounts(self) -> list[Account]: ...
    def limit(self, account: str, per_minute: float | None, act: Act) -> str: ...
    def route(self, account: str, since: datetime, credentials: str, act: Act) -> str: ...
