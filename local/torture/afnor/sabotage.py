"""Each protection that a key, an acknowledgement or a message needs, switched off in a worker after its fork, or in a run's database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from facteur.platforms.afnor import flows, look_ups
from facteur.platforms.afnor.client import Afnor
from facteur.platforms.afnor.oldest import Oldest
from facteur.platforms.afnor.reading import Flow
from facteur.postgres.database import Database
from local.torture.sabotage import switch
from local.torture.sql import replace_in
from local.torture.superpdp.sabotage import believe_any_key, hear_the_feed_alone
from local.torture.worker import Worker


def send_no_key(_worker: Worker) -> None:
    deposit = Afnor.deposit
    Afnor.deposit = lambda self, document, _key, check: deposit(self, document, None, check)  # type: ignore[method-assign, assignment]


def believe_refusals(_worker: Worker) -> None:
    Afnor._refused = lambda _self, _answer, meant, _key: meant  # type: ignore[method-assign, assignment]


def take_whatever_is_shown(worker: Worker) -> None:
    vars(look_ups)["_may_bear"] = lambda _flow, _key: True
    believe_any_key(worker)


def take_pending_for_good(_worker: Worker) -> None:
    def hasty(read: Any) -> Any:
        def reading(value: Any) -> Flow:
            found: Flow = read(value)
            return replace(found, acknowledged="ok") if found.acknowledged == "pending" else found

        return reading

    switch("flow_in", hasty)


def attribute_by_number(database: Database) -> None:
    replace_in(database, "facteur.deposits_named", r"and a\.seller_siren = n\.name ->> 'seller_siren'", "")


def believe_the_first_page(worker: Worker) -> None:
    """Whatever comes first is taken for the oldest."""
    hear_the_feed_alone(worker)
    Oldest.first = lambda _self, found, *_: found  # type: ignore[method-assign]


def forget_what_is_nobodys(worker: Worker) -> None:
    """A message that was another invoice's for once is not asked for again."""
    hear_the_feed_alone(worker)
    Afnor.nobodys = lambda _self, _ids: None  # type: ignore[method-assign, assignment]


def go_right_behind(worker: Worker) -> None:
    """The next search begins at the latest date itself."""
    hear_the_feed_alone(worker)
    flows.SECOND = timedelta(0)
