"""What operations work with. Whatever is not needed is not built: a question about rows needs no queue and no platform."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facteur.errors import OperatorError
from facteur.install.ports import InstallingStore
from facteur.operate.account_ports import AccountStore
from facteur.operate.act_model import UNKNOWN, Act, Caller
from facteur.operate.act_ports import ActStore
from facteur.operate.doctor_ports import Examination
from facteur.operate.pending_ports import BacklogStore, PendingStore
from facteur.operate.ports import DeadLetters, ReadingStore, StoryStore
from facteur.operate.reconcile_ports import Reconciling
from facteur.platforms.registry import PROVIDERS
from facteur.ports import Documents
from facteur.settings import Settings

if TYPE_CHECKING:
    from facteur.platforms.accounts import AccountPlatforms


@dataclass(frozen=True, slots=True)
class OperateServices:
    """Services of one request."""

    settings: Settings
    reading: ReadingStore
    stories: StoryStore
    installing: InstallingStore
    acts: ActStore
    pending: PendingStore
    backlog: BacklogStore
    accounts: AccountStore
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
