"""A secret as it was pasted: what nobody sees around its values is named, and what stands around its JSON does no harm."""

from __future__ import annotations

import json

import pytest

from facteur.aws.secrets_manager import SecretUnreadableError, object_in

UNSEEN = (
    *"\u202f\u200e\u2060\u200c\u3000\u00ad\u2028\u00a0\ufeff\u200b",
    *"\u2066\u180e\u2800\x0b\x85\t",
)


@pytest.mark.parametrize("sign", UNSEEN, ids=ascii)
@pytest.mark.parametrize("name", ["client_secret", "password"])
def test_a_sign_that_nobody_sees_around_a_value_is_reported_without_the_value(name: str, sign: str) -> None:
    for value in (f"hunter2{sign}", f"{sign}hunter2", sign):
        with pytest.raises(SecretUnreadableError, match=f"{name} begins or ends with a blank") as said:
            object_in(json.dumps({name: value}), "facteur/x")

        assert "hunter2" not in str(said.value)


@pytest.mark.parametrize("value", ["hunter 2", "hunter\u00a02", "été", "日本語", "🔑"])
def test_what_stands_within_a_value_is_its_own(value: str) -> None:
    assert object_in(json.dumps({"client_secret": value}), "facteur/x") == {"client_secret": value}


def test_a_password_may_have_blanks_of_its_own_and_nothing_else_may() -> None:
    assert object_in('{"password": " hunter2 "}', "facteur/x") == {"password": " hunter2 "}
    with pytest.raises(SecretUnreadableError, match="username begins or ends"):
        object_in('{"username": " jane"}', "facteur/x")


@pytest.mark.parametrize("sign", UNSEEN, ids=ascii)
def test_what_nobody_sees_around_the_json_does_no_harm(sign: str) -> None:
    assert object_in(f'{sign}{{"sandbox": true}}{sign}', "facteur/x") == {"sandbox": True}


@pytest.mark.parametrize(("sign", "named"), [("\u00a0", "U+00A0"), ("\u200b", "U+200B")])
def test_what_nobody_sees_between_the_words_of_json_is_named(sign: str, named: str) -> None:
    with pytest.raises(
        SecretUnreadableError, match=f"is not a JSON object: it holds an invisible sign, {named.replace('+', '.')}"
    ):
        object_in(f'{{{sign}"client_secret": "hunter2"}}', "facteur/x")
    with pytest.raises(SecretUnreadableError, match=r"is not a JSON object$"):
        object_in("hunter2", "facteur/x")
