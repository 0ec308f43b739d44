"""The platform of each account, with what a person asks of it beside the functions."""

from __future__ import annotations

from facteur.operate.reconcile_model import ShownPage
from facteur.platforms.accounts import AccountPlatforms
from facteur.platforms.iopole.deposits import searched_deposits
from facteur.platforms.iopole.probe import IopoleProbe
from facteur.platforms.iopole.statuses import Searched


class OperatorPlatforms(AccountPlatforms):
    """The ports ExaminedPlatforms and ReconciledPlatforms."""

    def probe(self, account: str) -> IopoleProbe:
        """Reads that say whether the account works."""
        platform = self.of(account)
        return IopoleProbe(platform.obtain_token, platform.get, sandbox=platform.sandbox)

    def deposits(self, account: str) -> Searched[ShownPage]:
        """What the account has deposited, with numbers."""
        return searched_deposits(self.of(account).search)
