"""The licences of what is deployed beside our own code, from the installed packages themselves: `make sbom`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

REQUIREMENTS = Path(__file__).parents[1] / "layers" / "dependencies" / "requirements.txt"
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)
LICENCE = re.compile(r"(?i)(licen[cs]e|copying|notice|authors)")


def deployed() -> list[tuple[str, str]]:
    """Name and version of each package in the dependency layer."""
    return PINNED.findall(REQUIREMENTS.read_text("utf-8"))


def notice(name: str, version: str) -> str:
    """What a package says of its licence, and the texts that it brings."""
    try:
        found = distribution(name)
    except PackageNotFoundError:  # of another platform
        return f"## {name} {version}\n\nNot installed here: see https://pypi.org/project/{name}/{version}/\n"
    texts = "\n\n".join(_texts(name))
    stated = [*_fields(name, "License-Expression"), _classified(name), *_fields(name, "License")]
    said = next((each for each in stated if each), "not said")
    return f"## {name} {found.version}\n\nLicence: {said.splitlines()[0]}\n\n{texts}\n"


def _classified(name: str) -> str:
    classifiers = [each for each in _fields(name, "Classifier") if each.startswith("License :: ")]
    return ", ".join(each.rpartition(" :: ")[2] for each in classifiers)


def _fields(name: str, field: str) -> list[str]:
    return [str(each) for each in distribution(name).metadata.get_all(field) or []]


def _texts(name: str) -> Iterator[str]:
    found = distribution(name)
    for file in found.files or ():
        if ".dist-info" in str(file) and LICENCE.search(file.name):
            yield f"```text\n{Path(str(found.locate_file(file))).read_text('utf-8', 'replace').strip()}\n```"


def main() -> None:
    sys.stdout.write(
        "# Third-party notices\n\nOf the packages in the dependency layer; Facteur's own licence is LICENSE.\n\n"
    )
    sys.stdout.write("\n".join(notice(name, version) for name, version in deployed()))


if __name__ == "__main__":
    main()
