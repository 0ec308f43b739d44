"""What a reconciliation needs from the outside. It changes nothing, but for permits that calls to the platform cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facteur.operate.reconcile.store import PostgresBooks
    from facteur.platforms.accounts import AccountPlatforms


@dataclass(frozen=True, slots=True)
class Reconciling:
    """What a reconciliation works with."""

    database: PostgresBooks
    platforms: Callable[[], AccountPlatforms]
