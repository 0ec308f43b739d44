"""What is deployed is listed: every package of the dependency layer, with its licence and the texts that it brings."""

from __future__ import annotations

import json
import subprocess
from importlib.metadata import distributions
from pathlib import Path

import pytest

from local.bench.package import ARCHITECTURES, build
from local.notices import deployed, library, notice, notices
from local.release.sbom import sbom
from local.sam import ROOT

# LGPL is psycopg2, Mozilla certifi: both unchanged, as libraries.
OURS_TO_GIVE_ON = ("MIT", "BSD", "Apache", "PSF", "LGPL", "Mozilla", "Python Software Foundation")
MOMENT = "2026-12-01T12:00:00+00:00"


@pytest.fixture(scope="module")
def layers(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The dependency layer of each architecture, as it is deployed."""
    return [build(each, tmp_path_factory.mktemp(each)) for each in ARCHITECTURES]


def test_every_deployed_package_has_a_licence_that_may_be_given_on_and_its_text(layers: list[Path]) -> None:
    for layer in layers:
        found = {each.name: each for each in distributions(path=[str(layer)])}
        assert {(name.replace("_", "-"), each.version) for name, each in found.items()} == set(deployed())
        for name, each in found.items():
            result = notice(each)
            said = result.partition("Licence: ")[2].splitlines()[0]
            assert any(each in said for each in OURS_TO_GIVE_ON), f"{name}: {said}"
            assert "```text" in result, f"{name} brings no text of its licence"


def test_every_library_in_a_wheel_has_a_licence_and_one_that_nobody_has_named_ends_the_build(
    layers: list[Path],
) -> None:
    written = notices(layers)

    assert all(list(layer.glob("*.libs/*")) for layer in layers)
    assert "| OpenSSL 3 | Apache-2.0 |" in written
    assert library("libcrypto-02bae65c.so.1.1.1k") == ("OpenSSL 1.1", "OpenSSL")
    with pytest.raises(LookupError, match="libnew-1: a wheel brings it"):
        library("libnew-1")


def test_the_sbom_target_writes_cyclonedx_of_exactly_the_layer() -> None:
    written = json.loads(_exported())

    assert (written["bomFormat"], written["specVersion"]) == ("CycloneDX", "1.5")
    assert {(each["name"], each["version"]) for each in written["components"]} == set(deployed())


def test_what_is_published_has_also_the_libraries_and_depends_on_no_moment(layers: list[Path]) -> None:
    first, second = sbom(_exported(), layers, MOMENT), sbom(_exported(), layers, MOMENT)

    names = {each["name"] for each in json.loads(first)["components"]}
    assert {name for name, _ in deployed()} | {"openssl-libs", "krb5-libs"} <= names
    assert first == second
    assert json.loads(first)["metadata"]["timestamp"] == MOMENT


def _exported() -> str:
    (line,) = [each for each in (ROOT / "Makefile").read_text().splitlines() if "cyclonedx1.5" in each]
    command = line.strip().removeprefix("$(UV) ").partition(" --output-file")[0].split()
    uv = ROOT / ".venv/bin/uv"
    return subprocess.check_output(["uv" if not uv.exists() else str(uv), *command], cwd=ROOT, text=True)
