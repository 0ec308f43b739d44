"""News that the platform shows until they are acknowledged: stored and committed first, acknowledged then."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from facteur.decide_news import SILENT_SECONDS, next_news
from facteur.errors import NotDepositedError
from facteur.metrics import Metric
from facteur.model import Due, StatusEvent
from facteur.news_by_history import read_history, store_news
from facteur.news_ports import NewsPlatform
from facteur.news_services import PollServices, Step, not_answered

AT_ONCE = 20
NO_PERMIT_SECONDS = 600.0


def pull(services: PollServices, permitted: Callable[[str], bool]) -> int:
    """Take what every account has not seen; how many statuses were acknowledged."""
    seen = 0
    for account in services.pulls.accounts():
        if services.pulls.take_turn(account):
            seen += _pull_account(account, services, permitted)
            services.pulls.end_turn(account)
    return seen


def look_at_due(services: PollServices) -> Step:
    """Deposits that are due though nothing was told of them: statuses that came too early, silence, the end."""
    dues = services.store.claim_news(AT_ONCE)
    for due in dues:
        _look_at(due, services)
    return Step.DONE if dues else Step.NOTHING


def _pull_account(account: str, services: PollServices, permitted: Callable[[str], bool]) -> int:
    acknowledged: set[tuple[str, str]] = set()  # an id may be that of another deposit's status too
    try:
        platform = services.platforms.of(account)
        while permitted(account):
            unseen = platform.not_seen()
            services.store.platform_answered(account)
            news = [event for event in unseen if (event.platform_id, event.status_id) not in acknowledged]
            if not news:
                break
            _store(account, news, platform, services)
            for event in news:
                if not permitted(account):
                    return len(acknowledged)
                platform.acknowledge(event)
                acknowledged.add((event.platform_id, event.status_id))
    except NotDepositedError as error:
        not_answered(services, account, error, "pull", f"account:{account}")
    return len(acknowledged)


def _store(account: str, news: Sequence[StatusEvent], platform: NewsPlatform, services: PollServices) -> None:
    """Each deposit's statuses in a transaction of its own; what is not ours is counted and kept aside."""
    ours = services.pulls.tell_of(account, sorted({event.platform_id for event in news}))
    for platform_id, told in ours.items():
        new = [*told.early, *(event for event in news if event.platform_id == platform_id)]
        store_news(told.due, [*told.known, *new], new, platform.sandbox, services, "pull")
    if strays := [event for event in news if event.platform_id not in ours]:
        services.pulls.keep_strays(account, strays)
        services.journal.count(Metric.FOREIGN_STATUSES, len(strays))


def _look_at(due: Due, services: PollServices) -> None:
    if early := services.pulls.early_statuses(due):
        store_news(due, early, early, services.platforms.of(due.account).sandbox, services, "history")
    elif due.age_seconds > services.limits.follow_up_seconds:
        services.pulls.close(due)
    elif due.lifecycle_code is None and due.age_seconds > SILENT_SECONDS:
        _ask_once(due, services)
    else:
        services.store.postpone_news(due, next_news(due.age_seconds))


def _ask_once(due: Due, services: PollServices) -> None:
    """Silent for too long: the history tells whether there is anything that the pull was not shown."""
    if read_history(due, services, services.store.postpone_news, "history") is Step.NO_PERMIT:
        services.store.postpone_news(due, NO_PERMIT_SECONDS)
