"""Each protection of a deposit with a key and of the feed, switched off in a worker after its fork, or in a run's database."""

from __future__ import annotations

import sys
from typing import Any

from facteur.platforms.superpdp.client import SuperPdp
from facteur.platforms.superpdp.listing import Reading
from facteur.postgres.database import Database
from local.torture.sabotage import hear_pulls_alone, switch
from local.torture.sql import replace_in
from local.torture.worker import Worker


def send_no_key(_worker: Worker) -> None:
    deposit = SuperPdp.deposit
    SuperPdp.deposit = lambda self, document, _key, check: deposit(self, document, None, check)  # type: ignore[method-assign, assignment]


def draw_keys_anew(database: Database) -> None:
    replace_in(
        database, "facteur.begin_lease", r"coalesce\(facteur\.doubtful_key\(.*?\), s\.own_key\)", "facteur.new_key()"
    )  # fmt: skip


def believe_refusals(_worker: Worker) -> None:
    SuperPdp._refused = lambda _self, _answer, meant, *_: meant  # type: ignore[method-assign]


def believe_refusals_of_sellers(_worker: Worker) -> None:
    SuperPdp._check_seller = lambda *_: None  # type: ignore[method-assign]


def believe_any_key(_worker: Worker) -> None:
    switch("has_our_key", lambda _: lambda candidate, _attempts: candidate.own_key is not None)


def believe_every_end(_worker: Worker) -> None:
    Reading.lacks = lambda *_: None  # type: ignore[method-assign]


def keep_refusals(database: Database) -> None:
    replace_in(database, "facteur.check_number", r" or facteur\.refused\(s\)", "")


def move_at_once(database: Database) -> None:
    replace_in(
        database, "facteur.move_feed", r"(?s)\"cursor\" = case.*?end,(.*)\s+and p_reached is distinct.*stays\(f, p_dated\)\)",
        r'"cursor" = p_reached,\1',
    )  # fmt: skip


def hear_the_feed_alone(worker: Worker) -> None:
    """No history is read, however old a deposit becomes."""
    hear_pulls_alone(worker)


def move_before_storing(worker: Worker) -> None:
    hear_the_feed_alone(worker)
    feeding: Any = sys.modules["facteur.poll_statuses.feed"]
    store = feeding._store

    def moved_first(reading: Any, entries: Any, platform: Any, services: Any) -> Any:
        services.feeds.reached(
            reading.account, next(each.cursor for each in reversed(entries) if each.cursor), past=True, dated_at=None
        )
        return store(reading, entries, platform, services)

    feeding._store = moved_first
