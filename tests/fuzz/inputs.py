"""Foreign input made from good samples: one thing or several changed, in its structure where it is JSON or XML, else in its bytes."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from typing import Any
from xml.etree import ElementTree

WORDS = (
    "", " ", "null", "0", "-1", "1e400", "NaN", "١٢٣", "\x00", "\x1b[31m", "\u202e", "\ud800", "é" * 300, "x" * 70_000,
    "9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+14:00", "2026-02-30", "2026-10-12T08:15:30.412Z", "2026-W01-1",
    "ffffffff-ffff-7fff-bfff-ffffffffffff", "1" * 5_000, "../..", "%00", '"', "\\", "a\r\nb: c", "١",
)  # fmt: skip
NUMBERS = (0, -1, 1, 2**63, 2**64, 10**400, -(10**9), 0.1, 1e308, float("nan"), float("inf"), True, False)
DEEP = 3_000  # more than Python's own limit


def nasty(dice: random.Random) -> Any:
    """A value that nobody expects where it stands."""
    return dice.choice(
        (
            lambda: None,
            *(lambda: dice.choice(WORDS),) * 5,
            *(lambda: dice.choice(NUMBERS),) * 2,
            list,
            dict,
            lambda: [None],
            lambda: [dice.choice(WORDS)],
            lambda: [[]],
            lambda: [{}],
            lambda: {"": None},
            lambda: {dice.choice(WORDS): dice.choice(WORDS)},
        )
    )()


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every container and key below a value."""
    found: list[tuple[Any, Any]] = []
    rest = [value]
    while rest:
        inner = rest.pop()
        keys = list(inner) if isinstance(inner, dict) else range(len(inner)) if isinstance(inner, list) else ()
        found += [(inner, key) for key in keys]
        rest += [inner[key] for key in keys]
    return found


def _change(value: Any, dice: random.Random) -> Any:
    places = _places(value)
    if not places or dice.random() < 0.03:
        return nasty(dice)
    inner, key = dice.choice(places)
    act = dice.randrange(6)
    if act == 0:
        del inner[key]
    elif act == 1:
        inner[key] = [inner[key]]
    elif act == 2:
        inner[key] = {str(key): inner[key]}
    elif act == 3 and isinstance(inner, list):
        inner.append(json.loads(json.dumps(inner[key])))
    else:
        inner[key] = nasty(dice)
    return value


def _deep(text: str, dice: random.Random) -> str:
    """One value nested beyond all measure."""
    at = dice.randrange(len(text) + 1)
    return text[:at] + dice.choice(("[", '{"a":')) * DEEP + text[at:]


def changed_json(sample: bytes, dice: random.Random) -> bytes:
    """A sample of JSON with up to four changes, written in one of the encodings that servers write."""
    value = json.loads(sample)
    for _ in range(dice.randrange(1, 5)):
        value = _change(value, dice)
    text = json.dumps(value, ensure_ascii=dice.random() < 0.8)
    if dice.random() < 0.02:
        text = _deep(text, dice)
    encoding = dice.choice(("utf-8",) * 8 + ("utf-16", "utf-8-sig", "latin-1", "utf-32"))
    return text.encode(encoding, "replace")


def _change_element(root: ElementTree.Element, dice: random.Random) -> None:
    parent = dice.choice([each for each in root.iter() if len(each)] or [root])
    if not len(parent):
        return
    child = dice.choice(list(parent))
    act = dice.randrange(6)
    if act == 0:
        parent.remove(child)
    elif act == 1:
        parent.append(child)
    elif act == 2:
        child.tag = dice.choice([each.tag for each in root.iter()])
    elif act == 3:
        child.set(dice.choice([*child.attrib, "schemeID", "format"]), str(nasty(dice)))
    else:
        dice.choice([*child.iter()]).text = str(nasty(dice))


def changed_xml(sample: bytes, dice: random.Random) -> bytes:
    """A sample of XML with up to four changes of its elements, in one of the encodings that are written.

    Of one that was broken before, its bytes.
    """
    try:
        root = ElementTree.fromstring(sample)  # noqa: S314  our own
    except (ElementTree.ParseError, ValueError, LookupError):
        return changed_bytes(sample, dice)
    for _ in range(dice.randrange(1, 5)):
        _change_element(root, dice)
    encoding = dice.choice(("utf-8",) * 6 + ("utf-16", "iso-8859-1", "utf-7", "nonsense"))
    text = ElementTree.tostring(root, encoding="unicode")
    deep = "<a>" * DEEP if dice.random() < 0.02 else ""
    written = f'<?xml version="1.0" encoding="{encoding}"?>{deep}{text}'
    return written.encode("utf-8" if encoding == "nonsense" else encoding, "xmlcharrefreplace")


def changed_bytes(sample: bytes, dice: random.Random) -> bytes:
    """A sample with up to four pieces cut, doubled, swapped or overwritten."""
    data = bytearray(sample)
    for _ in range(dice.randrange(1, 5)):
        start = dice.randrange(len(data) + 1)
        end = min(len(data), start + dice.choice((1, 2, 8, 64)))
        piece = dice.choice(
            (
                b"",
                bytes(data[start:end]) * 2,
                dice.randbytes(end - start),
                dice.choice(WORDS).encode("utf-8", "replace")[:200],
            )
        )
        data[start:end] = piece
    return bytes(data)


def changed(samples: Sequence[bytes], seed: int) -> bytes:
    """What a seed makes of the samples."""
    dice = random.Random(seed)  # noqa: S311  a seed must give the same input again
    sample = dice.choice(samples)
    change = _by_structure(sample) if dice.random() < 0.85 else changed_bytes
    return change(sample, dice)


def _by_structure(sample: bytes) -> Callable[[bytes, random.Random], bytes]:
    """The way to change a sample that knows what it is made of."""
    if sample.startswith(b"<?xml"):
        return changed_xml
    try:
        json.loads(sample)
    except (ValueError, RecursionError):
        return changed_bytes
    return changed_json
