"""Each protection that is code, switched off: what the mutants change in a worker after its fork."""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import urllib3.connectionpool

from facteur.domain.doubt import Shown
from facteur.domain.evidence import (
    Kinship,
)
from facteur.domain.status_updates import Listing
from facteur.domain.submission import Move, State
from facteur.errors import NotDepositedError
from facteur.platforms.iopole.capabilities import SEARCH
from facteur.platforms.iopole.client import Iopole
from local.torture.worker import Worker


def switch(name: str, changed: Callable[[Any], Any]) -> None:
    """Replace a function, class or constant wherever the product uses it.

    Raises:
        LookupError: it has another name now: whoever changed it must look here.
    """
    users = [module for key, module in sys.modules.items() if key.startswith("facteur.") and hasattr(module, name)]
    if not users:
        raise LookupError(f"facteur has no {name}")
    replacement = changed(getattr(users[0], name))
    for module in users:
        setattr(module, name, replacement)


def resend_on_unknown(_worker: Worker) -> None:
    resent = {"move": Move(State.PENDING, 1.0), "outcome": "not_deposited"}
    switch("after_unknown", lambda doubting: lambda *about: replace(doubting(*about), **resent))


def believe_refusals_after_doubts(_worker: Worker) -> None:
    """Whatever an invoice's earlier attempts may have deposited."""
    switch("after_answer", lambda deciding: lambda answer, limits, **_: deciding(answer, limits))


def skip_lease_check(_worker: Worker) -> None:
    def unchecked(lease: Any) -> Any:
        lease.check = lambda _self: None
        return lease

    switch("Lease", unchecked)
    forget_deadlines(_worker)  # which end a call of somebody who was stopped as well


def check_the_first_block_only(_worker: Worker) -> None:
    def blind(body: Any) -> Any:
        may_go_on = body._may_go_on

        def once(self: Any) -> None:
            if not hasattr(self, "asked"):
                self.asked = True
                may_go_on(self)

        body._may_go_on = once
        return body

    switch("SingleFileBody", blind)
    forget_deadlines(_worker)


def forget_deadlines(_worker: Worker) -> None:
    switch("seconds_left", lambda _: lambda: float("inf"))


def keep_interim_answers(_worker: Worker) -> None:
    """As http.client does: the final answer is the next request's."""

    def trusting(answer: Any) -> Any:
        answer._framed_plainly = lambda _self: True
        answer._close_conn = vars(http.client.HTTPResponse)["_close_conn"]
        return answer

    def deaf(incoming: Any) -> Any:
        incoming.answered = lambda _self: False
        return incoming

    def accepting(ladder: Any) -> Any:
        ladder.is_accepted = lambda _self, _answer: True
        return ladder

    switch("FinalAnswer", trusting)
    switch("Incoming", deaf)
    vars(urllib3.connectionpool)["is_connection_dropped"] = lambda _connection: False
    switch("FIRST_FINAL", lambda _: 101)
    switch("Ladder", accepting)


def take_failure_for_absence(_worker: Worker) -> None:
    def forgiving(ask: Any) -> Any:
        def asked(platform: Any, questions: Any) -> Any:
            try:
                return ask(platform, questions)
            except NotDepositedError:
                return [Shown((), frozenset({"nobody's"}), None) for _ in questions]

        return asked

    Iopole.shown = forgiving(Iopole.shown)  # type: ignore[method-assign]
    Iopole.shown_alone = forgiving(Iopole.shown_alone)  # type: ignore[method-assign]
    Iopole.answers_what_is_asked = lambda _: True  # type: ignore[method-assign, assignment]


def ask_in_company_only(_worker: Worker) -> None:
    Iopole.shown_alone = Iopole.shown  # type: ignore[method-assign]


def count_ids_once(_worker: Worker) -> None:
    switch("apart", lambda _: iter)


def stop_the_doubt_alone(_worker: Worker) -> None:
    switch("weighed", lambda sort: lambda *about: replace(sort(*about), mixed_up=()))


def take_refused_deposits(_worker: Worker) -> None:
    def hasty(after: Any) -> Any:
        def moved(doubt: Any, evidence: Any, *more: Any) -> Any:
            return after(doubt, replace(evidence, ours=tuple(replace(c, refused=False) for c in evidence.ours)), *more)

        return moved

    switch("after_look_up", hasty)


def read_no_history_again(_worker: Worker) -> None:
    switch("_wanted_every", lambda _: lambda *_about: None)


def ask_once(_worker: Worker) -> None:
    switch("EMPTY_LOOKUPS_BEFORE_RESEND", lambda _: 1)
    switch("waiting_limits", lambda limits: lambda: replace(limits(), resend_after_seconds=0.0))


def repeat_what_is_quoted(_worker: Worker) -> None:
    def forgetful(blanking: Any) -> Any:
        blanking.in_text = lambda _self, _raw, text: text
        blanking.in_json = lambda _self, _raw, value: value
        return blanking

    switch("Blanking", forgetful)


def wait_for_ever(_worker: Worker) -> None:
    switch("time_for_a_call", lambda bounded: lambda _seconds, stop_at: bounded(float("inf"), stop_at))


def say_nothing(_worker: Worker) -> None:
    switch("_report_vitals", lambda _: lambda _services: None)


def believe_blind_looks(_worker: Worker) -> None:
    switch("blindness", lambda _: lambda *_about, **_named: None)


def believe_every_number(_worker: Worker) -> None:
    switch("number_in_pdf", lambda _: lambda _pdf: "F")
    switch("check_number", lambda _: lambda *_about: None)


def read_one_clock(_worker: Worker) -> None:
    def alone(two_clocks: Any) -> Any:
        return lambda doubt, _dated_at, limits: replace(two_clocks(doubt, None, limits), seconds=doubt.doubt_seconds)

    switch("lasted", alone)


def take_what_bears_the_number(_worker: Worker) -> None:
    switch("kinship", lambda _: lambda *_about: Kinship.OURS)


def end_at_a_short_page(_worker: Worker) -> None:
    def hasty(add: Any) -> Any:
        def added(listing: Any, ids: Any, announced: Any = None) -> None:
            add(listing, ids)
            listing.whole = listing.whole or len(ids) < SEARCH.page

        return added

    Listing.add = hasty(Listing.add)  # type: ignore[method-assign]


def acknowledge_early(worker: Worker) -> None:
    worker.delete_early = True


class LateAttempts:
    """A store whose attempts are written with their outcome, and not before the call."""

    def __init__(self, store: Any) -> None:
        self._store, self._kept = store, dict[int, str]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def claim(self, items: Any) -> Any:
        claims = self._store.claim(items)
        ids = [claim.attempt_id for claim in claims if claim.attempt_id]
        statement = "delete from facteur.attempts a where id = any (%(ids)s) returning id, to_jsonb(a) as kept"
        self._kept |= {row.id: json.dumps(row.kept) for row in self._store._database.rows(statement, {"ids": ids})}
        return claims

    def record(self, outcomes: Any) -> Any:
        statement = (
            "insert into facteur.attempts overriding system value "
            "select * from jsonb_populate_record(null::facteur.attempts, %(kept)s)"
        )
        for kept in filter(None, (self._kept.get(outcome.claim.attempt_id) for outcome in outcomes)):
            self._store._database.rows(statement, {"kept": kept})
        return self._store.record(outcomes)


def open_attempts_late(worker: Worker) -> None:
    worker.wrap_store = LateAttempts


def believe_every_refusal(_worker: Worker) -> None:
    switch("in_its_own_words", lambda _: lambda _body: True)
    switch("LADDER", lambda rungs: (*rungs[:-1], replace(rungs[-1], holds=lambda _body: True)))


def blame_the_invoice(_worker: Worker) -> None:
    switch("is_shared", lambda _: lambda *_about: False)


def let_the_newest_decide(_worker: Worker) -> None:
    switch("current_of", lambda _current_of: sys.modules["facteur.domain.decide_status"].newest_of)


def hear_pulls_alone(_worker: Worker) -> None:
    """No history is read, however old a deposit becomes."""
    pulling: Any = sys.modules["facteur.poll_statuses.pull"]
    checked = pulling._check

    def trusting(due: Any, services: Any, source: str, *, unseen: bool) -> None:
        if services.pulls.early_statuses(due):
            checked(due, services, source, unseen=unseen)
        elif due.age_seconds > services.limits.follow_up_seconds:
            services.pulls.close(due)
        else:
            services.store.postpone_status_update(due, pulling.seconds_to_next_read(due.age_seconds))

    pulling._check = trusting


def acknowledge_before_storing(worker: Worker) -> None:
    hear_pulls_alone(worker)
    pulling: Any = sys.modules["facteur.poll_statuses.pull"]
    store = pulling._store

    def acknowledged_first(account: str, new: Any, platform: Any, services: Any) -> Any:
        for event in new:
            platform.acknowledge(event)
        return store(account, new, platform, services)

    pulling._store = acknowledged_first
