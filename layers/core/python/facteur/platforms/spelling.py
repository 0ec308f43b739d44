"""Invoice numbers and keys as platforms spell them."""

from __future__ import annotations

import re
import unicodedata

SHORTEST_CUT = 16  # letters and digits; a shorter beginning is more likely another number
RUN = re.compile(r"\d+|[^\W\d_]+")  # of digits, or of letters


def alike(number: str, other: str) -> bool:
    """Whether a number may be another one, spelled in another way or cut: rather look at one deposit too many than send a second."""
    shown, sent = _spellings(number), _spellings(other)
    cut = any(len(left) >= SHORTEST_CUT and whole.startswith(left) for left in shown for whole in sent)
    return cut or not shown.isdisjoint(sent)


def may_be_key(shown: str, ours: str) -> bool:
    """Whether a key that a platform shows may be ours, spelled in another way or cut anywhere."""
    return ours.casefold().startswith(shown.casefold()) or alike(shown, ours)


def _spellings(number: str) -> set[str]:
    """What machines leave of a number: letters and digits, those of ASCII alone where others were garbled, without leading zeros."""
    kept = {"".join(filter(str.isascii, number)), unicodedata.normalize("NFKD", number)}
    runs = [RUN.findall(each.casefold()) for each in kept]
    return {"".join(each) for each in runs} | {"".join(run.lstrip("0") for run in each) for each in runs}
