"""The keys of an account's secret: which it may have."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from facteur.errors import AccountRefusedError, Problem
from facteur.platforms.port import Provider

ONES_OWN = "_"  # what a key begins with that is nothing of ours: a note, a rotation's date
# Another key may be a client id or a password in the wrong field: it is not shown.
WORD = re.compile(r"[A-Za-z][A-Za-z_ -]{0,29}")
ALIKE = 0.75


def refuse_another_kinds_keys(
    secret: Mapping[str, Any], provider: Provider, providers: Mapping[str, Provider], secret_id: str
) -> None:
    """Keys that only another kind's secrets have: these credentials would be sent to a platform that they are not for."""
    strange = {name for name, value in secret.items() if value not in (None, "")} - {
        "provider",
        *provider.secret_keys,
    }
    kinds = [each for each in providers.values() if strange & set(each.secret_keys)] if strange else []
    if kinds:
        named = ", ".join(sorted(strange & {key for each in kinds for key in each.secret_keys}))
        words = f"secret {secret_id} is one of {provider.name} and has keys of {' or '.join(each.name for each in kinds)}: {named}"
        raise AccountRefusedError(Problem("secret_malformed", f"{words}. Let provider say which it is, or remove them"))


def refuse_unknown_keys(secret: Mapping[str, Any], provider: Provider, secret_id: str) -> None:
    """A key that nobody knows is a misspelt one, and what it says would not hold: deposits for another organisation, in production."""
    known = ("provider", *provider.secret_keys)
    unknown = [name for name, value in secret.items() if name not in known and value not in (None, "")]
    if named := sorted(_shown(name, known) for name in unknown if not name.startswith(ONES_OWN)):
        words = f"secret {secret_id} has keys that {provider.name} does not know: {', '.join(named)}. Correct or remove them"
        raise AccountRefusedError(
            Problem(
                "secret_malformed", f"{words}; a note of your own begins with {ONES_OWN}. Known: {', '.join(known)}"
            )
        )


def _shown(name: str, known: Sequence[str]) -> str:
    """With the key that is meant, as far as one is like it."""
    plain = {_plain(each): each for each in known}
    if meant := difflib.get_close_matches(_plain(name), plain, 1, ALIKE):
        return f"{name if WORD.fullmatch(name) else 'a key'} ({plain[meant[0]]}?)"
    return name if WORD.fullmatch(name) else "a key that is no word"


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())
