"""A platform of the norm: what its answers mean, what a secret may say, how flows and places are read."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facteur.domain.lifecycle import says_duplicate
from facteur.domain.submission import Accepted, Rejected, StatusEvent
from facteur.errors import AccountRefusedError, CursorRefusedError, OutcomeUnknownError, PlatformBusyError, ProblemError
from facteur.platforms.accounts import refuse_wrong_environment
from facteur.platforms.afnor import AFNOR
from facteur.platforms.afnor.apart import KINDS, next_place, places_apart
from facteur.platforms.afnor.flows import Place
from facteur.platforms.afnor.ladder import LADDER
from facteur.platforms.afnor.reading import acknowledgement_of, candidate, flow_in
from facteur.platforms.afnor.secret import PRESETS, PROCESSING_RULES, SECRET_KEYS, read_secret
from facteur.platforms.http import HttpAnswer
from facteur.poll_statuses.feed_store import Bearer
from facteur.poll_statuses.named import whose

PAGE = Path(__file__).parents[2] / "docs" / "platforms.md"
NOW = datetime(2026, 10, 12, 8, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=8,
)  # fmt: skip
SECRET = {
    "client_id": "id", "client_secret": "hush-hush-hush", "flow_url": "https://pdp.example/flow-service/v1/",
    "token_url": "https://auth.example/realms/pdp/token",
}  # fmt: skip


def meaning(status: int, body: Any) -> Any:
    try:
        return LADDER.meaning_of(HttpAnswer(status, {}, json.dumps(body).encode()))
    except ProblemError as found:
        return found


def test_the_page_has_the_ladder_and_the_presets() -> None:
    text = PAGE.read_text()
    table = text.partition("`platforms/afnor/ladder.py`")[2]

    for rung in LADDER.rungs:
        assert f"| {', '.join(map(str, rung.statuses))} | {rung.body} | {rung.means} |" in table
    for name, preset in PRESETS.items():
        assert f"| `{name}` | {', '.join(f'`{key}`' for key in preset.keys)} |" in text


@pytest.mark.parametrize(
    "body", [{"flowId": ""}, {"flowId": "x" * 65}, {"flowId": None}, {"flowId": ["a"]}, {"id": "7"}, {}, [], 7]
)
def test_a_success_without_an_id_that_can_be_one_is_unknown(body: Any) -> None:
    assert isinstance(meaning(202, body), OutcomeUnknownError)


def test_a_success_names_its_deposit() -> None:
    found = meaning(202, {"flowId": "i_4711", "submittedAt": "2026-10-12T08:00:00Z"})

    assert isinstance(found, Accepted)
    assert found.platform_id == "i_4711"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 501])
@pytest.mark.parametrize(
    "body", [{"message": "no"}, {"error": "no"}, {}, {"errorCode": 7}, {"errorCode": ""}, {"errorMessage": "no"}]
)
def test_what_a_gateway_writes_is_unknown(status: int, body: Any) -> None:
    assert isinstance(meaning(status, body), OutcomeUnknownError)


def test_its_own_words_refuse_or_say_that_nothing_was_deposited() -> None:
    said = {"errorCode": "CREATE_ERROR", "errorMessage": "invalid flow"}

    refused = meaning(422, said)
    assert isinstance(refused, Rejected)
    assert (refused.problem.platform_code, refused.problem.platform_message) == ("CREATE_ERROR", "invalid flow")
    assert isinstance(meaning(501, said), PlatformBusyError)
    assert isinstance(meaning(503, said), OutcomeUnknownError)


@pytest.mark.parametrize("word", ["AlreadyExistingFlow", "DOUBLON", "REJ_UNI", "DUPLICATED"])
def test_a_duplicate_is_recognised(word: str) -> None:
    assert says_duplicate(word)


# --- secrets ----------------------------------------------------------------------------------------------------------


def test_addresses_may_have_paths_and_a_version_is_left_out() -> None:
    found = read_secret({**SECRET, "directory_url": "https://pdp.example/directory/v1"}, "facteur/a")

    assert found.address is not None
    assert (found.address.base_url, found.address.auth_url) == ("https://pdp.example/flow-service", SECRET["token_url"])
    assert (found.directory_url, found.basic, found.scope) == ("https://pdp.example/directory", False, None)
    assert "hush" not in repr(found)


@pytest.mark.parametrize(
    ("key", "wrong"),
    [*((key, wrong) for key in ("flow_url", "token_url") for wrong in (None, "", 7, ["a"])),
     *((key, wrong) for key in ("flow_url", "token_url", "directory_url") for wrong in (
         "http://pdp.example/a", "ftp://pdp.example", "https://user@pdp.example/", "https://pdp.example/?a=1", "https://pdp.example/#a",
         "https://pdp.example/../a", "https://pdp.example/a b", "https://[::1/", "pdp.example")),
     ("client_auth", "header"), ("client_auth", 7), ("scope", "é"), ("scope", 7), ("organization_id", "a\nb"), ("preset", "nobody"),
     ("processing_rule", "b2b"), ("processing_rule", "Undefined"), ("processing_rule", 7), ("processing_rule", ["B2B"]),
     ("preset", {"a": 1}), ("preset", "flowie")],
)  # fmt: skip
def test_a_wrong_key_is_named(key: str, wrong: object) -> None:
    """Flowie asks for an organisation."""
    named = "organization_id" if wrong == "flowie" else key

    with pytest.raises(AccountRefusedError, match=rf"secret facteur/a: missing or wrong {named}\.$"):
        read_secret({**SECRET, key: wrong}, "facteur/a")


def test_all_wrong_keys_are_named_at_once() -> None:
    with pytest.raises(AccountRefusedError, match=r"wrong client_secret, flow_url, token_url, client_auth\.$"):
        read_secret({"client_id": "id", "base_url": "https://api.example", "client_auth": "x"}, "facteur/a")


def test_the_page_lists_the_processing_rules() -> None:
    assert all(f"`{each}`" in PAGE.read_text() for each in PROCESSING_RULES)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_fills_in_what_a_secret_leaves_out(name: str) -> None:
    known = {"client_id": "id", "client_secret": "secret", "preset": name, "organization_id": "42", "flow_url": None}
    own = {} if "token_url" in PRESETS[name].keys else {"token_url": "https://auth.example/t"}

    found = read_secret({**known, **own}, "facteur/a")

    whole = {**PRESETS[name].keys, **own}
    assert found.address is not None
    assert (found.address.base_url, found.address.auth_url) == (whole["flow_url"], whole["token_url"])


PPD = "https://ppd.hubtimize.fr/api/orchestrator/v1"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"preset": "esalink", "flow_url": PPD}, "flow_url of another host than preset esalink's, and token_url, directory_url still"),
        ({"preset": "esalink", "token_url": f"{PPD}/oauth2/token"}, "Give flow_url and directory_url too, or leave token_url"),
        ({"preset": "esalink", "flow_url": PPD, "token_url": f"{PPD}/oauth2/token"}, "Give directory_url too"),
        ({"preset": "superpdp-afnor", "flow_url": "https://pdp.example/flow"}, "Give token_url and directory_url too"),
        ({"preset": "flowie", "organization_id": "42", "token_url": "https://auth.example/t", "flow_url":
          "https://back.flowie.ink/exchange/afnor/flow-service"}, "Give directory_url too"),
        ({"preset": "flowie", "organization_id": "42", "token_url": "https://back.flowie.ink/token"},
         "of production: flow_url, directory_url; of the sandbox: token_url"),
        ({"flow_url": PPD, "token_url": "https://hubtimize.fr/t"}, "of production: token_url; of the sandbox: flow_url"),
    ],
)  # fmt: skip
def test_addresses_of_two_environments_are_refused(more: dict[str, str], said: str) -> None:
    secret = {"client_id": "id", "client_secret": "hush", **more}

    with pytest.raises(AccountRefusedError, match=re.escape(said)) as caught:
        read_secret(secret, "facteur/a")

    assert caught.value.problem.code == "environment_mismatch"


@pytest.mark.parametrize(
    "more",
    [
        {"flow_url": PPD, "token_url": f"{PPD}/oauth2/token", "directory_url": PPD},
        {"flow_url": "https://hubtimize.fr/api/orchestrator/v2"},
        {"token_url": "https://hubtimize.fr/api/token"},
        {"client_auth": "body"},
    ],
)
def test_a_preset_may_be_changed_within_an_environment_or_as_a_whole(more: dict[str, str]) -> None:
    found = read_secret({"client_id": "id", "client_secret": "hush", "preset": "esalink", **more}, "facteur/a")

    hosts = {
        urlsplit(each).hostname
        for each in (found.address.base_url, found.address.auth_url, found.directory_url)  # type: ignore[union-attr]
    }
    assert len(hosts) == 1


@pytest.mark.parametrize(("sandbox", "host"), [(True, "hubtimize.fr"), (False, "ppd.hubtimize.fr")])
def test_a_token_endpoint_of_the_other_environment_is_refused_whatever_the_platform(sandbox: bool, host: str) -> None:
    found = read_secret({**SECRET, "sandbox": sandbox, "token_url": f"https://{host}/t"}, "facteur/a")
    assert found.address is not None

    with pytest.raises(
        AccountRefusedError, match=f"says sandbox {str(sandbox).lower()}, and the platform is https://{host}/t"
    ):
        refuse_wrong_environment(AFNOR, found, found.address, "facteur/a")


@pytest.mark.parametrize("sandbox", [True, False, None])
def test_where_one_host_serves_both_environments_the_company_is_asked_for_its_own(sandbox: bool | None) -> None:
    own = {"flow_url": "https://api.superpdp.tech/afnor-flow/v1", "token_url": "https://api.superpdp.tech/oauth2/token"}

    for place in ({"preset": "superpdp-afnor"}, own):
        found = read_secret({"client_id": "id", "client_secret": "hush", "sandbox": sandbox, **place}, "facteur/a")
        assert found.company_url == (None if sandbox is None else "https://api.superpdp.tech/v1.beta/companies/me")
    assert read_secret({**SECRET, "sandbox": sandbox}, "facteur/a").company_url is None


@pytest.mark.parametrize(
    ("more", "tenant"),
    [
        ({}, {"token_url": SECRET["token_url"]}),
        ({"organization_id": "42"}, {"organization_id": "42", "token_url": SECRET["token_url"]}),
        ({"organization_id": ""}, {"token_url": SECRET["token_url"]}),
        ({"preset": "superpdp-afnor", "flow_url": None, "token_url": None}, {}),
        ({"preset": "superpdp-afnor", "flow_url": None, "token_url": "https://api.superpdp.tech/oauth2/token/"}, {}),
        ({"preset": "flowie", "flow_url": None, "organization_id": "42"}, {"organization_id": "42", "token_url": SECRET["token_url"]}),
    ],
)  # fmt: skip
def test_whose_deposits_a_client_id_means(more: dict[str, str | None], tenant: dict[str, str]) -> None:
    found = read_secret({**SECRET, **more}, "facteur/a")

    assert found.tenant == tenant
    assert "42" not in repr(found)


@given(
    st.dictionaries(
        st.sampled_from(SECRET_KEYS),
        JSON,
    )
)
def test_no_secret_raises_anything_else(odd: dict[str, Any]) -> None:
    with suppress(AccountRefusedError):
        read_secret({**SECRET, **odd}, "facteur/a")


# --- flows ------------------------------------------------------------------------------------------------------------


def acknowledged(status: Any, *reasons: str, **more: Any) -> StatusEvent | None:
    details = [
        {"level": "Error", "item": "flow", "reasonCode": each, "reasonMessage": f"because {each}"} for each in reasons
    ]
    return acknowledgement_of(
        flow_in({"flowId": "f-1", "acknowledgement": {"status": status, "details": details}, **more})
    )


@pytest.mark.parametrize("status", ["Pending", "pending", None, "", 7, [], "Later"])
def test_what_says_neither_good_nor_bad_is_no_status(status: Any) -> None:
    assert acknowledged(status) is None


def test_an_error_is_a_rejection_with_its_reason_and_a_duplicate_among_several_counts() -> None:
    event = acknowledged("ERROR", "InvalidSchema", "AlreadyExistingFlow")

    assert event is not None
    assert (event.code, event.reason, event.platform_id) == ("213", "AlreadyExistingFlow", "f-1")
    assert event.message == "because InvalidSchema – because AlreadyExistingFlow"
    assert acknowledged("Ok", "InvalidSchema").code == "file:ok"  # type: ignore[union-attr]


@given(JSON, JSON, JSON)
def test_no_flow_raises(whole: Any, acknowledgement: Any, date: Any) -> None:
    for flow in (
        flow_in(whole),
        flow_in({"flowId": "f", "acknowledgement": acknowledgement, "updatedAt": date, "trackingId": whole}),
    ):
        candidate(flow)
        acknowledgement_of(flow)


@given(st.text())
def test_a_place_is_ours_or_refused(text: str) -> None:
    for each in (text, f"after {text}", f"page {text}", f"page 2026-10-12T08:00:00Z 2026-10-12T08:00:00Z {text}"):
        with suppress(CursorRefusedError):
            Place.read(each)
    for each in (text, json.dumps(text), json.dumps({text: text}), json.dumps(dict.fromkeys(KINDS, text))):
        with suppress(CursorRefusedError):
            places_apart(f"apart {each}")


@pytest.mark.parametrize("refused", [True, False])
def test_places_of_kinds_that_are_read_apart_come_together_at_their_ends(refused: bool) -> None:
    first, last = Place(NOW, NOW, "a b"), Place(NOW + timedelta(seconds=7), NOW + timedelta(seconds=7))
    places = dict(zip(KINDS, (first, last), strict=True))

    assert places_apart(next_place(places, dict.fromkeys(KINDS, last), refused=refused)) == dict.fromkeys(KINDS, last)
    assert places_apart(next_place(places, places, refused=refused)) == (places if refused else None)
    assert places_apart(str(last)) is None


@pytest.mark.parametrize("cursor", [None, "abc", "a b  c"])
def test_a_place_says_of_which_kind_it_is(cursor: str | None) -> None:
    place = Place(NOW, NOW + timedelta(seconds=7) if cursor else NOW, cursor)

    assert Place.read(str(place)) == place
    assert str(place).startswith("page " if cursor else "after ")


# --- whose a message is -----------------------------------------------------------------------------------------------


DOUBTED = Bearer(None)


def bearer(name: str, stands: bool = True, stored: bool = False, refused: bool = False) -> Bearer:
    return Bearer(name, kept=True, stands=stands, refused=refused, stored=stored)


GIVEN_UP = Bearer("given up")


@pytest.mark.parametrize(
    ("bearers", "code", "found"),
    [
        ([], "205", None),
        ([bearer("a")], "213", "a"),
        ([bearer("a", stands=False)], "213", "a"),
        ([bearer("a"), bearer("b")], "205", None),
        ([bearer("a", stands=False), bearer("b")], "205", "b"),
        ([bearer("a", stands=False), bearer("b")], "213", None),
        ([bearer("a", stands=False, stored=True), bearer("b")], "213", "a"),
        ([bearer("a", stands=False), DOUBTED], "205", None),
        ([bearer("a", stands=False, stored=True), DOUBTED], "205", "a"),
        ([bearer("a"), DOUBTED], "205", "a"),
        ([bearer("a"), DOUBTED], "213", None),
        ([bearer("a"), DOUBTED], "220", None),
        ([bearer("a"), GIVEN_UP], "205", "a"),
        ([bearer("a"), GIVEN_UP], "213", None),
        ([bearer("a"), GIVEN_UP], "210", None),
        ([bearer("a", stands=False), bearer("b")], "220", None),  # a person rejected it: it may stand there
        ([bearer("a", stands=False, refused=True), bearer("b")], "210", "b"),
        ([bearer("a", stands=False, refused=True), DOUBTED], "210", None),
        ([DOUBTED], "205", None),
    ],
)
def test_a_message_is_of_one_deposit_or_of_none(bearers: list[Bearer], code: str, found: str | None) -> None:
    event = StatusEvent("s", "", code, code, None, code, None, None, None, None, None, {})

    shown = whose(event, bearers)

    assert (shown.platform_id if shown else None) == found
