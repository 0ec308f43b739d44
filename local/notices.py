"""The licences of what is deployed beside our own code, from the packages of the built layers: `make sbom`, `make release`."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

from local.bench.package import ARCHITECTURES, build

REQUIREMENTS = Path(__file__).parents[1] / "layers" / "dependencies" / "requirements.txt"
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)
LICENCE = re.compile(r"(?i)(licen[cs]e|copying|notice|authors)")
TITLE = """# Third-party notices

Of the packages in the dependency layer; Facteur's own licence is LICENSE.

"""
# Wheels bring libraries of the system, and no text of their licences: how the file's name begins, whose it is, and its licence.
LIBRARIES = {
    r"lib(crypto|ssl)-\w+\.so\.1\.1": ("OpenSSL 1.1", "OpenSSL"), r"lib(crypto|ssl)-\w+\.so\.3": ("OpenSSL 3", "Apache-2.0"),
    "libcom_err": ("e2fsprogs", "MIT"), "libcrypt-": ("libxcrypt or glibc", "LGPL-2.1-or-later"),
    "libkeyutils": ("keyutils", "LGPL-2.1-or-later"),
    "lib(gssapi_krb5|k5crypto|krb5)": ("MIT Kerberos", "MIT"), "lib(lber|ldap)": ("OpenLDAP", "OLDAP-2.8"),
    "libpcre": ("PCRE", "BSD-3-Clause"),
    "libpq": ("PostgreSQL", "PostgreSQL"), "libsasl2": ("Cyrus SASL", "BSD-4-Clause"), "libselinux": ("SELinux", "public domain"),
}  # fmt: skip


def deployed() -> list[tuple[str, str]]:
    """Name and version of each package in the dependency layer."""
    return PINNED.findall(REQUIREMENTS.read_text("utf-8"))


def notices(layers: Iterable[Path]) -> str:
    """What the packages of these built layers say of their licences, each once, and the texts that they bring."""
    found = {each.name: each for layer in layers for each in distributions(path=[str(layer)])}
    files = sorted({path.name for layer in layers for path in layer.glob("*.libs/*")})
    return TITLE + "\n".join([*(notice(found[name]) for name in sorted(found)), *_libraries(files)])


def notice(found: Distribution) -> str:
    """What a package says of its licence, and the texts that it brings."""
    texts = "\n\n".join(_texts(found))
    stated = [*_fields(found, "License-Expression"), _classified(found), *_fields(found, "License")]
    said = next((each for each in stated if each), "not said")
    return f"## {found.name} {found.version}\n\nLicence: {said.splitlines()[0]}\n\n{texts}\n"


def library(file: str) -> tuple[str, str]:
    """Whose library that is, and its licence. Raises LookupError where nobody has written it down."""
    named = [each for beginning, each in LIBRARIES.items() if re.match(beginning, file)]
    if not named:
        raise LookupError(f"{file}: a wheel brings it, and local/notices.py does not name its licence")
    return named[0]


def _libraries(files: list[str]) -> Iterator[str]:
    if files:
        yield "## Libraries in these packages\n\n| File | Of | Licence |\n|---|---|---|"
    for file in files:
        yield "| {} | {} | {} |".format(file, *library(file))


def _classified(found: Distribution) -> str:
    classifiers = [each for each in _fields(found, "Classifier") if each.startswith("License :: ")]
    return ", ".join(each.rpartition(" :: ")[2] for each in classifiers)


def _fields(found: Distribution, field: str) -> list[str]:
    return [str(each) for each in found.metadata.get_all(field) or []]


def _texts(found: Distribution) -> Iterator[str]:
    for file in found.files or ():
        if ".dist-info" in str(file) and LICENCE.search(file.name):
            yield f"```text\n{Path(str(found.locate_file(file))).read_text('utf-8', 'replace').strip()}\n```"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        layers = [build(architecture, Path(folder) / architecture) for architecture in ARCHITECTURES]
        sys.stdout.write(notices(layers))


if __name__ == "__main__":
    main()
