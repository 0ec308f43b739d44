"""Cold starts and a rotated secret: how often is a token asked for, and does an invoice suffer?"""

from __future__ import annotations

from dataclasses import dataclass

from local.measure.ground import add_invoices, states, work_off
from local.world.levers import World, platform_secret

ACCOUNT_PAUSE_SECONDS = 301


@dataclass(frozen=True, slots=True)
class Starts:
    """What cold starts cost."""

    containers: int
    invoices: int
    token_calls: int
    deposits: int


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation cost. `late`: the platform refused the old secret before Secrets Manager had the new one."""

    late: bool
    invoices: int
    token_calls: int
    refused_token_calls: int
    deposits: int
    failed: int


def cold_starts(world: World, *, containers: int, invoices_each: int) -> Starts:
    """Every batch meets a new container."""
    before = len(world.simulator.calls("token"))
    for _ in range(containers):
        world.new_container()
        add_invoices(world, invoices_each)
        work_off(world)
    tokens = len(world.simulator.calls("token")) - before
    return Starts(containers, containers * invoices_each, tokens, len(world.simulator.ledger()))


def rotation(world: World, *, invoices: int, late: bool) -> Rotation:
    """Deposit, rotate the secret so that the old one and its tokens are refused, and deposit again in the same container."""
    add_invoices(world, invoices)
    work_off(world)
    before = len(world.simulator.calls("token"))
    world.simulator.rotate_secret("rotated")
    world.simulator.revoke_tokens()
    if late:
        add_invoices(world, invoices)
        work_off(world)
    world.put_secret("default", platform_secret(world.simulator) | {"client_secret": "rotated"})
    if not late:
        add_invoices(world, invoices)
    world.advance(ACCOUNT_PAUSE_SECONDS)
    work_off(world)
    work_off(world)  # after a refusal the first deposit goes alone
    tokens = world.simulator.calls("token")[before:]
    refused = sum(1 for call in tokens if call["status"] != 200)
    return Rotation(
        late, 2 * invoices, len(tokens), refused, len(world.simulator.ledger()), states(world).get("failed", 0)
    )
