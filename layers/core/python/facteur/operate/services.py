"""What operations work with. Whatever is not needed is not built: a question about rows needs no queue and no platform."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facteur.errors import OperatorError
from facteur.operate.act_model import UNKNOWN, Act, Caller
from facteur.operate.doctor_ports import Examination
from facteur.operate.ports import DeadLetters
from facteur.operate.reconcile_ports import Reconciling
from facteur.platforms.registry import PROVIDERS
from facteur.ports import Documents
from facteur.settings import Settings

if TYPE_CHECKING:
    from facteur.adapters.act_store import PostgresActs
    from facteur.adapters.operator_accounts import PostgresAccounts
    from facteur.adapters.operator_reading import PostgresReading
    from facteur.adapters.operator_uninstalling import PostgresInstalling
    from facteur.adapters.preview_store import PostgresBacklog, PostgresPending
    from facteur.adapters.story_reading import PostgresStories
    from facteur.platforms.accounts import AccountPlatforms


@dataclass(frozen=True, slots=True)
class OperateServices:
    """Services of one request."""

    settings: Settings
    reading: PostgresReading
    stories: PostgresStories
    installing: PostgresInstalling
    acts: PostgresActs
    pending: PostgresPending
    backlog: PostgresBacklog
    accounts: PostgresAccounts
    dead_letters: Callable[[], DeadLetters | None]  # None: no queue is named where this runs
    examination: Callable[[], Examination]
    platforms: Callable[[], AccountPlatforms]
    documents: Callable[[], Documents]
    reconciling: Callable[[], Reconciling]
    stack: str | None = None  # the stack that is asked; None: a terminal
    caller: Caller = UNKNOWN

    @property
    def longest_document(self) -> int:
        """In bytes, where nobody is asked which platform an account's secret names."""
        return PROVIDERS[self.settings.pdp_provider].capabilities.longest_document

    def act(self, operation: str, who: str, why: str, dry_run: bool) -> Act:
        """What is recorded of an act. Raises OperatorError where nobody answers for it."""
        if not who.strip() or not why.strip():
            raise OperatorError(f"{operation} is recorded: say who and why")
        return Act(operation, who.strip(), why.strip(), dry_run, self.caller)
