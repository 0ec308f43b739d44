"""The keys of an account's secret: which it may have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from facteur.errors import AccountRefusedError, Problem
from facteur.platforms.port import Provider


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
