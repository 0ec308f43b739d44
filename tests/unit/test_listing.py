"""When the pages of a search are over: at an empty one, or one that shows no new id; never at an entry that may be new."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from facteur.domain.status_updates import Listing
from facteur.errors import PlatformBusyError


def read(*pages: Sequence[str | None]) -> Listing:
    listing = Listing()
    for page in pages:
        assert not listing.whole
        listing.add(page)
    return listing


@pytest.mark.parametrize("last", [[], ["1"], ["2", "1"]])
def test_a_page_without_a_new_id_ends_a_listing(last: list[str]) -> None:
    listing = read(["1", "2"], last)

    assert listing.whole
    listing.check()


def test_a_page_that_may_show_something_new_ends_none() -> None:
    """The one that is looked for may be on the next. Seed 239930239 of `make torture`."""
    listing = read(["1"], [None], ["2"], [None], ["3"], [])

    assert listing.whole
    listing.check()


@pytest.mark.parametrize("pages", [([None], [None]), (["1"], ["1", None], ["1", None])])
def test_where_each_page_may_be_the_one_before_nothing_is_known_of_the_rest(
    pages: Sequence[Sequence[str | None]],
) -> None:
    listing = read(*pages)

    assert listing.whole
    with pytest.raises(PlatformBusyError, match="without their ids"):
        listing.check()
