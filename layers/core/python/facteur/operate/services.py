"""What operations work with. Whatever is not needed is not built: a question about rows needs no queue and no platform."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from facteur.install.ports import InstallingStore
from facteur.operate.account_ports import AccountStore
from facteur.operate.act_ports import ActStore, OperatorPlatforms
from facteur.operate.doctor_ports import Examination
from facteur.operate.pending_ports import BacklogStore, PendingStore
from facteur.operate.ports import DeadLetters, ReadingStore, StoryStore
from facteur.operate.reconcile_ports import Reconciling
from facteur.ports import Documents
from facteur.settings import Settings


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
    platforms: Callable[[], OperatorPlatforms]
    documents: Callable[[], Documents]
    reconciling: Callable[[], Reconciling]
