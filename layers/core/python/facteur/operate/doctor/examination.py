"""What an examination works with. Nothing here changes anything, but for permits that calls to the platform cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from facteur.settings import Settings

if TYPE_CHECKING:
    from facteur.aws.dead_letters import SqsDeadLetters
    from facteur.aws.deployment import DeployedStack
    from facteur.operate.doctor.store import PostgresExamined
    from facteur.platforms.accounts import AccountPlatforms


@dataclass(frozen=True, slots=True)
class Examination:
    """What every check is given. None: not known where this runs."""

    settings: Settings
    database: PostgresExamined
    platforms: Callable[[], AccountPlatforms]
    dead_letters: SqsDeadLetters | None
    deployment: DeployedStack | None
    migrations: frozenset[int]
    now: Callable[[], datetime]
