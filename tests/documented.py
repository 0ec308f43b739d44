"""The blocks of code in README.md, docs/, CONTRIBUTING.md and the templates of issues: what a reader copies."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from local.sam import ROOT

# Those that GitHub alone shows: `make docs` does not check their links.
OUTSIDE_OF_THE_SITE = [ROOT / "CONTRIBUTING.md", *sorted((ROOT / ".github").rglob("*.md"))]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *OUTSIDE_OF_THE_SITE]
FENCE = re.compile(r" *```(\w*)$")
EXCUSE = re.compile(r" *<!-- not run: (.+) -->$")
COMMAND = re.compile(r"\\\n")


@dataclass(frozen=True, slots=True)
class Block:
    """One of them; `excuse` is why nothing runs it, from the comment right above."""

    page: str
    line: int
    language: str
    text: str
    excuse: str | None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def program(self) -> str | None:
        """What a shell block runs: a script with curl, or the one program that all of its commands call; None: several."""
        if "curl " in self.text:
            return "curl"
        called = {words[2] if words[1:2] == ["-m"] else words[0] for words in self.commands()}
        return called.pop() if len(called) == 1 else None

    def commands(self) -> list[list[str]]:
        """The words of each command of a shell block, without its comments."""
        lines = COMMAND.sub("", self.text).splitlines()
        return [words for line in lines if (words := shlex.split(line, comments=True))]


def blocks(language: str | None = None, *, excused: bool = False) -> list[Block]:
    """All of a language, or of any; those that are to be run, unless `excused`."""
    found = [block for page in PAGES for block in _blocks(page)]
    return [b for b in found if language in (None, b.language) and (excused or b.excuse is None)]


def _blocks(page: Path) -> Iterator[Block]:
    lines = page.read_text().splitlines()
    at = 0
    while at < len(lines):
        if opened := FENCE.match(lines[at]):
            end = next(n for n in range(at + 1, len(lines)) if lines[n].strip() == "```")
            above = EXCUSE.match(lines[at - 1]) if at else None
            name = str(page.relative_to(ROOT))
            yield Block(name, at + 1, opened[1], "\n".join(lines[at + 1 : end]), above[1] if above else None)
            at = end
        at += 1
