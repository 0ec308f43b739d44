"""What SUPER PDP can do by its own API, as its OpenAPI 1.13 has it and as public projects saw live up to October 2026."""

from __future__ import annotations

from facteur.platforms.port import Capabilities

MOST_EVENTS = 1000
CAPABILITIES = Capabilities(
    statuses=("feed", "history"),
    longest_document=50_000_000,  # nobody has published a limit
    listing=True,
    directory=True,
    own_key=True,
)
