"""Which environment a token's company is in, where one host serves both: the norm has nothing for it, and some platforms have."""

from __future__ import annotations

from facteur.errors import AccountRefusedError, Problem
from facteur.platforms import foreign
from facteur.platforms.answers import expect
from facteur.platforms.authorised import AuthorisedClient

ENVIRONMENTS = {True: "sandbox", False: "production"}  # by what the secret says of `sandbox`


class Company:
    """The company of an account's token, at a platform that shows its `env`."""

    def __init__(self, api: AuthorisedClient, *, sandbox: bool, named_in: str) -> None:
        self._api, self._sandbox, self._named_in = api, sandbox, named_in
        self._agreed = False

    def begin_invocation(self, stop_at: float) -> None:
        self._api.begin_invocation(stop_at)

    def agree(self) -> None:
        """Asked until it is where the secret says; raises AccountRefusedError where it says something else, or nothing."""
        if self._agreed:
            return
        shown = foreign.code(foreign.fields(expect(self._api.call("GET", ""), dict)).get("env"))
        if (shown or "").casefold() != ENVIRONMENTS[self._sandbox]:
            words = f"{self._named_in} says sandbox {str(self._sandbox).lower()}, and the company is in {shown or 'neither'}"
            raise AccountRefusedError(Problem("environment_mismatch", words))
        self._agreed = True
