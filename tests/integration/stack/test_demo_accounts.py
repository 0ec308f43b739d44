"""The demo's view: the seller says which account an invoice is of, and the installation finds nothing wrong with that."""

from __future__ import annotations

from local.demo.companies import ACCOUNTS, OTHERS, naming
from local.simulator.core.control import running_simulator
from local.world.accounts import account_secret
from local.world.levers import World


def test_each_companys_invoice_is_deposited_with_its_own_platform(world: World) -> None:
    world.database.rows(naming(OTHERS))
    (superpdp, afnor) = OTHERS
    with (
        running_simulator(platform="superpdp", company_number="") as first,
        running_simulator(platform="afnor") as second,
    ):
        for account, simulator in ((superpdp, first), (afnor, second)):
            world.put_secret(account.name, account_secret(account.kind, simulator))
        for rank, account in enumerate(ACCOUNTS.values(), start=1):
            world.add(rank, siren=account.seller.siren)

        world.deposit()

        assert [world.submission(rank).account for rank in (1, 2, 3)] == list(ACCOUNTS)
        assert [len(each.ledger()) for each in (world.simulator, first, second)] == [1, 1, 1]
    assert world.database.rows("select * from facteur.installation_faults()") == []
