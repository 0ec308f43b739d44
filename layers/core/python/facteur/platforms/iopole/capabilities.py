"""What Iopole can do, as its OpenAPI of October 2026 has it and as public projects saw live."""

from __future__ import annotations

from facteur.platforms.port import Capabilities, Paging

CUSTOMER = {"customer_id": "customer-id"}  # the secret's key -> the header
SEARCH = Paging(page=200, last_offset=1000, numbers=175)  # 8 kB of a request's first line
CAPABILITIES = Capabilities(
    statuses=("sweep", "pull", "history"),
    longest_document=50_000_000,  # 413 above
    search=SEARCH,
    webhooks=True,
    directory=True,
)
