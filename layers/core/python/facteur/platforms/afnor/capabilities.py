"""What every platform of the norm can do, as its OpenAPI files 1.2.0 and 1.3.0 have it."""

from __future__ import annotations

from facteur.platforms.port import Capabilities

LONGEST_ID = 64  # of a flow; 36 in 1.2
LONGEST_NAME = 255  # of a file
MOST_FLOWS = 100  # on a page
CAPABILITIES = Capabilities(
    statuses=("feed", "history"),
    longest_document=100_000_000,
    listing=True,
    directory=True,
    own_key=True,
    by_number=False,
)
