"""SUPER PDP's own API, one account: one company's credentials."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from facteur.domain.doubt import Candidate, Question, Shown
from facteur.domain.ports import Document
from facteur.domain.status_updates import FeedEntry, FeedPage, Page
from facteur.domain.submission import Accepted, Answer, Rejected, StatusEvent
from facteur.errors import (
    AccountRefusedError,
    CursorRefusedError,
    OtherSellerError,
    Problem,
)
from facteur.platforms import foreign
from facteur.platforms.answers import copy_hash, dated, expect, is_busy, listed, problem, refusal
from facteur.platforms.authorised import AuthorisedClient
from facteur.platforms.http import HttpAnswer, HttpClient
from facteur.platforms.ladder import unless_there
from facteur.platforms.multipart import SingleFileBody
from facteur.platforms.oauth import BearerToken
from facteur.platforms.port import Capabilities, NotOffered
from facteur.platforms.superpdp.capabilities import CAPABILITIES, MOST_EVENTS
from facteur.platforms.superpdp.ladder import LADDER, in_its_own_words, says_already_there, says_other_seller
from facteur.platforms.superpdp.listing import Listing
from facteur.platforms.superpdp.reading import siren_in, status_event, whole_number

TOKEN_PATH = "/oauth2/token"  # noqa: S105  a path
LONGEST_DOCUMENT_BYTES = 60_000_000  # a copy of what was deposited
LONGEST_LIST_BYTES = 20_000_000
NOT_OFFERED = frozenset({400, 403, 404, 501})
UNCLEAR = frozenset({400, 422})  # refusals of an invoice that may be of its seller; 413 and 415 are of its document
FORBIDDEN = 403
# The words of `env` (OpenAPI 1.13, which requires it), and what sandbox is there.
ENVIRONMENTS = {"sandbox": True, "production": False}
RECENT = timedelta(days=30)  # how far a person's question goes back


class SuperPdp(NotOffered):
    """The port Platform, for one account."""

    def __init__(self, client: HttpClient, token: BearerToken, *, sandbox: bool | None, named_in: str) -> None:
        """`sandbox`: what the account's secret says; None: nothing."""
        self._api = AuthorisedClient(client, token, in_its_own_words)
        self._said, self._named_in = sandbox, named_in
        self._environment: str | None = None  # as the company's `env` says, once it was asked for
        self._company: str | None = None  # its SIREN, where it has one
        self._listing = Listing(self._list)

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    @property
    def sandbox(self) -> bool:
        return ENVIRONMENTS[self._environment] if self._environment else bool(self._said)

    def begin_invocation(self, stop_at: float) -> None:
        self._api.begin_invocation(stop_at)

    def obtain_token(self) -> None:
        """Sandbox and production have one host: before anything is sent the company says where it is."""
        self._api.obtain_token()
        if self._environment is None:
            self._check_environment()

    def probe(self) -> datetime | None:
        self._check_environment()
        return self._listing.dated_at()

    def _check_environment(self) -> None:
        """Raises AccountRefusedError where the company is in another environment than the secret says, in one that nobody knows, or not
        verified yet."""
        company = foreign.fields(expect(self._get("/v1.beta/companies/me"), dict))
        self._company = siren_in(company)
        said = foreign.code(company.get("env"))
        environment = (said or "").strip().casefold()
        if environment not in ENVIRONMENTS:
            words = f"the company of {self._named_in} is in {said or 'no environment'}: neither sandbox nor production"
            raise AccountRefusedError(Problem("environment_mismatch", words))
        if self._said is not None and self._said is not ENVIRONMENTS[environment]:
            words = f"{self._named_in} says sandbox {str(self._said).lower()}, and the company is in {environment}"
            raise AccountRefusedError(Problem("environment_mismatch", words))
        self._environment = environment

    def deposit(self, document: Document, own_key: str | None, before_block: Callable[[], None]) -> Answer:
        path = f"/v1.beta/invoices?external_id={quote(own_key, safe='')}" if own_key else "/v1.beta/invoices"
        with document.open() as file:
            body = SingleFileBody(
                "file_name", document.file_name, document.content_type, file, document.size, before_block
            )
            answer = self._api.call("POST", path, body=body, understood=LADDER.is_accepted)
        try:
            meant = LADDER.meaning_of(answer)
        except AccountRefusedError:
            if answer.status == FORBIDDEN:
                self._check_environment()  # whether it is the account that is refused, and not this invoice
                self._check_seller(answer, document.seller_siren)
            raise
        return self._refused(answer, meant, own_key, document.seller_siren) if isinstance(meant, Rejected) else meant

    def find(self, invoice_number: str) -> list[Candidate]:
        return list(self._listing.since(datetime.now(UTC) - RECENT).about([invoice_number], []))

    def shown(self, questions: Sequence[Question]) -> list[Shown]:
        return self._listing.shown(questions)

    def shown_alone(self, questions: Sequence[Question]) -> list[Shown]:
        return self._listing.shown_alone(questions)

    def answers_what_is_asked(self) -> bool:
        return self._listing.answers_what_is_asked()

    def sha256_of(self, platform_id: str) -> str | None:
        path = f"/v1.beta/invoices/{quote(platform_id, safe='')}/download"
        answer = self._api.call("GET", path, longest_bytes=LONGEST_DOCUMENT_BYTES)
        if is_busy(answer.status):
            raise refusal(answer)
        if answer.status != 200:
            return None
        return copy_hash(answer)

    def history(self, platform_id: str) -> list[StatusEvent]:
        """Event by event until a page shows nothing new; one id may be that of several."""
        found, after = dict[tuple[str, str, str | None], StatusEvent](), 0
        while True:
            answer = self._get(_events_behind(after, f"invoice_id={quote(platform_id, safe='')}&"))
            shown = [each for each in listed(expect(answer, dict)) if isinstance(each, dict)]
            events = [status_event(each, platform_id) for each in shown]
            fresh = {(event.status_id, event.platform_code, event.date_given): event for event in events}
            if not fresh.keys() - found.keys():
                return list(found.values())
            found |= fresh
            after = max([after, *filter(None, (whole_number(each.get("id")) for each in shown))])

    def feed(self, cursor: str | None, since: datetime, may_ask: Callable[[], bool]) -> FeedPage:
        """Events of both directions by their ids, which grow."""
        answer = self._get(_events_behind(cursor))
        if answer.status == 400 and in_its_own_words(answer.json()):
            raise CursorRefusedError(problem(answer, "cursor_refused", "the platform refuses the place of its feed"))
        shown = [each for each in listed(expect(answer, dict)) if isinstance(each, dict)]
        shown.sort(key=lambda each: whole_number(each.get("id")) or 0)
        return FeedPage(tuple(_entry(each) for each in shown), dated(answer))

    def listed(self, since: datetime, later: str | None, before_call: Callable[[], None]) -> Page | None:
        def ask(path: str) -> HttpAnswer:
            before_call()
            return self._list(path)

        return Listing(ask).back_to(since, later)

    def reachable(self, siren: str) -> bool | None:
        answer = self._get(f"/v1.beta/french_directory/entries?number={quote(siren, safe='')}")
        if answer.status in NOT_OFFERED:
            return None
        found = [foreign.fields(each) for each in listed(expect(answer, (dict, list)))]
        return any(each.get("is_active") is not False for each in found)

    def _refused(self, answer: HttpAnswer, meant: Rejected, own_key: str | None, seller: str | None) -> Answer:
        """The words of a refusal are not stable, says the vendor: the key decides whether the document is there."""
        if own_key:
            found = unless_there(answer, meant, lambda: self._under(own_key))
            if isinstance(found, Accepted):
                return found
        if says_already_there(answer.json()):
            return replace(meant, problem=replace(meant.problem, platform_code="DUPLICATE"))
        if answer.status in UNCLEAR:
            self._check_seller(answer, seller)
        return meant

    def _check_seller(self, answer: HttpAnswer, seller: str | None) -> None:
        """Raises OtherSellerError where what was refused is another company's: one token is one company, whatever the words are."""
        theirs = self._company is not None and seller is not None and seller != self._company
        if theirs or says_other_seller(answer.json()):
            whose = f"is of company {self._company}" if self._company else "is of another company"
            words = f"{self._named_in} {whose}, and the invoice's seller is {seller or 'not known'}"
            raise OtherSellerError(replace(problem(answer, "other_seller", words), platform_code=None))

    def _under(self, own_key: str) -> str | None:
        found = [each for each in self._listing.newest().about([], [own_key]) if each.own_key == own_key]
        return found[0].platform_id if found else None

    def _list(self, path: str) -> HttpAnswer:
        return self._api.call("GET", path, longest_bytes=LONGEST_LIST_BYTES)

    def _get(self, path: str) -> HttpAnswer:
        return self._api.call("GET", path)


def _events_behind(place: str | int | None, of_one: str = "") -> str:
    """Where events are read behind a place; its beginning is no place that could be refused."""
    behind = f"starting_after_id={place}&" if place else ""
    return f"/v1.beta/invoice_events?{of_one}{behind}limit={MOST_EVENTS}"


def _entry(event: dict[str, Any]) -> FeedEntry:
    place = whole_number(event.get("id"))
    about = status_event(event)
    return FeedEntry(
        None if place is None else str(place),
        foreign.moment(event.get("created_at")),
        about if about.platform_id else None,
    )
