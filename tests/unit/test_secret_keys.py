"""Keys of an account's secret that nobody knows."""

from __future__ import annotations

import re

import pytest

from facteur.errors import AccountRefusedError
from facteur.platforms.registry import PROVIDERS
from facteur.platforms.secret_keys import refuse_unknown_keys

MISSPELT = {
    "iopole": {"customerid": "customer_id", "Client_Secret": "client_secret", "baseurl": "base_url"},
    "superpdp": {"sandox": "sandbox", "clientId": "client_id", "providr": "provider"},
    "afnor": {"organisation_id": "organization_id", "clientauth": "client_auth", "flow url": "flow_url", "organization": "organization_id"},
}  # fmt: skip


@pytest.mark.parametrize(("kind", "key"), [(kind, key) for kind, keys in MISSPELT.items() for key in keys])
def test_a_misspelt_key_is_named_with_the_one_that_is_meant(kind: str, key: str) -> None:
    said = rf"secret facteur/a has keys that {kind} does not know: {re.escape(key)} \({MISSPELT[kind][key]}\?\)"

    with pytest.raises(AccountRefusedError, match=rf"{said}\..* Known: provider, client_id, "):
        refuse_unknown_keys({"client_id": "me", key: True}, PROVIDERS[kind], "facteur/a")


def test_all_of_them_are_named_and_none_that_may_be_a_secret() -> None:
    """Of a page with a field for a key and one for its value, where somebody filled in both."""
    secret = {"env": "sandbox", "hush-7f1c9e1a": "hunter2", "client_secret1": "hunter2", "organisation_id": "42"}

    with pytest.raises(AccountRefusedError) as caught:
        refuse_unknown_keys(secret, PROVIDERS["afnor"], "facteur/a")

    said = "a key (client_secret?), a key that is no word, env, organisation_id (organization_id?)."
    assert f"does not know: {said}" in str(caught.value)
    assert not {each for each in ("hush", "hunter2", "42") if each in str(caught.value)}


@pytest.mark.parametrize("kind", PROVIDERS)
def test_what_is_known_left_empty_or_a_note_is_not_named(kind: str) -> None:
    secret = dict.fromkeys(PROVIDERS[kind].secret_keys, "x")

    refuse_unknown_keys({**secret, "_rotated": "2026-11-30", "note": "", "old": None}, PROVIDERS[kind], "facteur/a")
