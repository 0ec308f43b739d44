"""One word per subject: docs/glossary.md has those that we use, and these are the ones that meant too many things."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GONE = re.compile(r"(?<![a-z])(told|tells?|untold|news|strays?|mend(?:s|ed|ing)?|held)(?![a-z])", re.IGNORECASE)
KEPT = {
    "layers/core/python/facteur/operate/model/status.py": {
        "held"
    },  # what `status --json` and `show --json` print keeps its names
    "layers/core/python/facteur/operate/status.py": {"held"},
    "layers/core/python/facteur/operate/model/story.py": {"told"},
    "layers/core/python/facteur/operate/story.py": {"told"},
    "layers/core/python/facteur/cli/show.py": {"told"},
    "layers/core/python/facteur/operate/status_store.py": {"held"},
    "tests/unit/test_cli_lines.py": {"told"},
    "tests/unit/test_document_number.py": {"tell"},  # of a file
    "local/torture/chance.py": {"news"},  # another seed would make other runs of the published numbers
    "tests/unit/test_words.py": {"told", "tell", "tells", "untold", "news", "strays", "mend", "held"},
    "docs/benchmarks.md": {"news", "tell"},  # as it was measured
}
FOLDERS = ("layers/core", "functions", "local", "tests", "docs", "events", ".ci", ".github")
FILES = ("README.md", "CHANGELOG.md", "Makefile", "template.yaml", "properdocs.yml")
TEXTS = {".py", ".sql", ".md", ".yaml", ".yml", ".json", ".toml", ".sh"}


def texts() -> Iterator[Path]:
    yield from (ROOT / name for name in FILES)
    for folder in FOLDERS:
        yield from (each for each in (ROOT / folder).rglob("*") if each.suffix in TEXTS and each.is_file())


def test_no_word_of_the_first_edition_is_left() -> None:
    found = {str(path.relative_to(ROOT)): {word.lower() for word in GONE.findall(path.read_text())} for path in texts()}

    assert {path: words - KEPT.get(path, set()) for path, words in found.items() if words - KEPT.get(path, set())} == {}


def test_what_is_kept_is_still_there() -> None:
    found = {path: {word.lower() for word in GONE.findall((ROOT / path).read_text())} for path in KEPT}

    assert {path: words - found[path] for path, words in KEPT.items() if words - found[path]} == {}
