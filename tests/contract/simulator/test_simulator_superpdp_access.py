"""SUPER PDP: tokens, the company of a session, and the directory."""

from __future__ import annotations

import pytest
import requests

from local.simulator.__main__ import announcement, arguments
from local.simulator.core.control import Simulator
from local.simulator.registry import PLATFORMS
from tests.contract.simulator.client import SILENT_BUYER, STRANGER, document
from tests.contract.simulator.superpdp_client import TOKEN_PATH, TRICATEL, Pdp, ask_token, pdp_of

OTHER = {"client_id": "other", "client_secret": "s3cret & co", "company": TRICATEL.siren}


def test_a_token_lives_half_an_hour_and_has_no_scope(superpdp: Simulator) -> None:
    answer = ask_token(superpdp, superpdp.client_id, superpdp.client_secret)

    assert answer.status_code == 200
    assert (answer.json()["expires_in"], answer.json()["token_type"], answer.json()["scope"]) == (1799, "bearer", "")


def test_basic_authentication_works_as_well(superpdp: Simulator) -> None:
    known = (superpdp.client_id, superpdp.client_secret)

    answer = requests.post(
        superpdp.auth_url + TOKEN_PATH, data={"grant_type": "client_credentials"}, auth=known, timeout=10
    )

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "client_credentials", "client_id": "x"}, 401, "invalid_client"),
    ],
)
def test_the_token_endpoint_says_no_in_the_words_of_oauth(
    superpdp: Simulator, form: dict[str, str], status: int, error: str
) -> None:
    answer = requests.post(superpdp.auth_url + TOKEN_PATH, data=form, timeout=10)

    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_an_old_a_revoked_and_a_missing_token_are_refused(pdp: Pdp) -> None:
    pdp.simulator.advance(1800)
    assert pdp.get("companies/me").status_code == 401

    fresh = pdp_of(pdp.simulator)
    pdp.simulator.revoke_tokens()
    assert fresh.deposit().status_code == 401

    fresh.headers.clear()
    assert fresh.get("companies/me").json() == {
        "http_status_code": 401, "message": "Token is missing or invalid"
    }  # fmt: skip
    assert pdp.simulator.ledger() == []


@pytest.mark.parametrize(
    ("sandbox", "env", "scheme"), [(True, "sandbox", "sandbox"), (False, "production", "fr_siren")]
)
def test_the_environment_shows_in_the_company_and_nowhere_else(pdp: Pdp, sandbox: bool, env: str, scheme: str) -> None:
    pdp.simulator.configure(sandbox=sandbox)

    company = pdp.get("companies/me").json()

    assert (company["env"], company["number_scheme"], company["number"]) == (env, scheme, pdp.simulator.company)


@pytest.mark.parametrize("status", ["needs_review", "failed"])
def test_until_the_company_is_verified_only_the_session_answers(pdp: Pdp, status: str) -> None:
    pdp.simulator.configure(company_verification=status)

    assert pdp.get("oauth2_sessions/me").json()["company_verification_status"] == status
    for answer in (pdp.get("companies/me"), pdp.get("invoices"), pdp.get("invoice_events"), pdp.deposit()):
        assert (answer.status_code, answer.json()["message"]) == (403, "company not verified")
    assert pdp.simulator.ledger() == []

    pdp.simulator.configure(company_verification="verified")
    assert pdp.deposit().status_code == 200


def test_one_token_is_one_company(pdp: Pdp) -> None:
    pdp.simulator.add_account(**OTHER)
    other = pdp_of(pdp.simulator, "other", "s3cret & co")
    mine = pdp.deposited()

    assert other.get("companies/me").json()["number"] == TRICATEL.siren
    assert "ne correspond pas au vendeur" in other.deposit().json()["message"]
    assert (other.ids(), other.events(), other.get(f"invoices/{mine}").status_code) == ([], [], 404)


def test_who_can_be_reached_is_public(superpdp: Simulator) -> None:
    url = f"{superpdp.base_url}/v1.beta/french_directory/entries"

    known, unreachable, unknown = (
        requests.get(url, params={"number": each}, timeout=10).json()["data"]
        for each in (SILENT_BUYER, "404000004", STRANGER)
    )

    assert (known[0]["identifier"], known[0]["is_active"]) == (f"0225:{SILENT_BUYER}", True)
    assert (unreachable[0]["is_active"], unknown) == (False, [])
    assert requests.get(url, timeout=10).status_code == 400


def test_the_companys_own_lines_are_listed(pdp: Pdp) -> None:
    line = pdp.get("directory_entries").json()["data"][0]

    assert (line["identifier"], line["status"]) == (f"0225:{pdp.simulator.company}", "created")


def test_documents_are_validated_without_a_token_and_not_stored(superpdp: Simulator) -> None:
    files = [("file_name", ("a.xml", document())), ("file_name", ("b.xml", b"<x/>"))]

    answer = requests.post(f"{superpdp.base_url}/v1.beta/validation_reports", files=files, timeout=10)

    assert [(each["file_name"], each["is_valid"]) for each in answer.json()["data"]] == [
        ("a.xml", True), ("b.xml", False),
    ]  # fmt: skip
    assert answer.json()["data"][1]["subreports"][0]["failures"]
    assert superpdp.ledger() == []


def test_the_program_says_which_platform_it_is(superpdp: Simulator) -> None:
    page = requests.get(superpdp.base_url, headers={"Accept": "text/html"}, timeout=10).text

    assert "behaves like SUPER PDP" in page
    assert "events_late" in page
    assert "not_seen_shape" not in page
    with pytest.raises(ValueError, match="no such switch: not_seen_shape"):
        superpdp.configure(not_seen_shape="flat")


@pytest.mark.parametrize(
    ("words", "title", "facts", "token"),
    [
        ([], "Iopole simulator", "customer_id", "/realms/iopole/protocol/openid-connect/token"),
        (["--platform", "superpdp"], "SUPER PDP simulator", "company", TOKEN_PATH),
    ],
)
def test_the_announcement_is_the_platforms(words: list[str], title: str, facts: str, token: str) -> None:
    parsed, settings = arguments(words)

    said = announcement(PLATFORMS[parsed.platform], 8080, 8081, settings, as_json=False)

    assert said.startswith(f"{title}\n")
    assert f"  {facts:14}" in said
    assert f"POST http://127.0.0.1:8080{token}\n" in said


@pytest.mark.parametrize(("platform", "option"), [("iopole", "--events-late"), ("superpdp", "--not-seen-limit")])
def test_a_switch_of_another_platform_is_no_option(
    platform: str, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        arguments(["--platform", platform, option, "1"])

    assert option in capsys.readouterr().err
