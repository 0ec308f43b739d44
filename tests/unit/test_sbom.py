"""What is deployed is listed: every package of the dependency layer, with its licence and the texts that it brings."""

from __future__ import annotations

import json
import subprocess

import pytest

from local.notices import deployed, notice
from local.sam import ROOT

# LGPL is psycopg2, Mozilla certifi: both unchanged, as libraries.
OURS_TO_GIVE_ON = ("MIT", "BSD", "Apache", "PSF", "LGPL", "Mozilla", "Python Software Foundation")


@pytest.mark.parametrize(("name", "version"), deployed())
def test_every_deployed_package_has_a_licence_that_may_be_given_on_and_its_text(name: str, version: str) -> None:
    result = notice(name, version)

    assert version in result
    said = result.partition("Licence: ")[2].splitlines()[0]
    assert any(each in said for each in OURS_TO_GIVE_ON), f"{name}: {said}"
    assert "```text" in result, f"{name} brings no text of its licence"


def test_the_sbom_target_writes_cyclonedx_of_exactly_the_layer() -> None:
    (line,) = [each for each in (ROOT / "Makefile").read_text().splitlines() if "cyclonedx1.5" in each]
    uv = ROOT / ".venv/bin/uv"
    command = [
        "uv" if not uv.exists() else str(uv),
        "export",
        "--locked",
        "--quiet",
        "--no-default-groups",
        "--no-emit-project",
    ]

    written = json.loads(subprocess.check_output([*command, "--format", "cyclonedx1.5"], cwd=ROOT, text=True))

    assert "--no-default-groups" in line or "$(SBOM)" in line
    assert (written["bomFormat"], written["specVersion"]) == ("CycloneDX", "1.5")
    assert {(each["name"], each["version"]) for each in written["components"]} == set(deployed())
