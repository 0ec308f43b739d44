"""What operations work with. Whatever is not needed is not built: a question about rows needs no queue and no platform."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facteur.domain.ports import Documents
from facteur.errors import ConfigurationError, OperatorError
from facteur.operate.doctor.examination import Examination
from facteur.operate.model.acts import UNKNOWN, Act, Caller
from facteur.platforms.registry import PROVIDERS
from facteur.settings import Settings

if TYPE_CHECKING:
    from facteur.aws.dead_letters import SqsDeadLetters
    from facteur.operate.accounts_store import PostgresAccounts
    from facteur.operate.acts_store import PostgresActs
    from facteur.operate.backlog_store import PostgresBacklog, PostgresPending
    from facteur.operate.reconcile.store import Reconciling
    from facteur.operate.status_store import PostgresReading
    from facteur.operate.story_store import PostgresStories
    from facteur.operate.uninstall_store import PostgresInstalling
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
    dead_letters: Callable[[], SqsDeadLetters | None]  # None: no queue is named where this runs
    examination: Callable[[], Examination]
    platforms: Callable[[], AccountPlatforms]
    documents: Callable[[], Documents]
    reconciling: Callable[[], Reconciling]
    stack: str | None = None  # the stack that is asked; None: a terminal
    caller: Caller = UNKNOWN

    def longest_document(self, account: str) -> int:
        """In bytes, by the platform that the account's secret names; where that cannot be read from here, by the settings'."""
        try:
            return self.platforms().kind(account).capabilities.longest_document
        except ConfigurationError:
            return PROVIDERS[self.settings.pdp_provider].capabilities.longest_document

    def act(self, operation: str, who: str, why: str, dry_run: bool) -> Act:
        """What is recorded of an act. Raises OperatorError where nobody answers for it."""
        if not who.strip() or not why.strip():
            raise OperatorError(f"{operation} is recorded: say who and why")
        return Act(operation, who.strip(), why.strip(), dry_run, self.caller)
