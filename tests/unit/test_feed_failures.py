"""When a place in a feed is given up, of which the platform answers so although it answers other calls."""

from __future__ import annotations

import pytest

from facteur.poll_statuses.feed_failures import is_lost

HOUR = 3600.0


@pytest.mark.parametrize(
    ("status", "failing_seconds", "lost"),
    [*((status, 0.0, True) for status in (400, 404, 405, 410, 413, 422)),  # it does not know the place
     *((status, 0.0, False) for status in (408, 429, 500, 502, 503, 200)),  # it may answer soon
     *((status, HOUR - 1, False) for status in (408, 500, 503, 200)),
     *((status, HOUR, True) for status in (408, 500, 503, 200)),
     *((status, 100 * HOUR, False) for status in (401, 403))],  # rights: the place is as good as it was
)  # fmt: skip
def test_a_place_is_given_up_where_it_is_refused_or_fails_for_an_hour(
    status: int, failing_seconds: float, lost: bool
) -> None:
    assert is_lost(status, failing_seconds) is lost
