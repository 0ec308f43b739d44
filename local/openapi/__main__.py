"""`python -m local.openapi FOLDER`: hold the simulators' answers and Facteur's requests against the files in a folder."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from local.openapi import afnor
from local.openapi.exchange import Check
from local.openapi.specification import Specification, read
from local.openapi.superpdp import SUPERPDP
from local.simulator.core.control import running_simulator
from local.start import run_main

CHECKS = (SUPERPDP, *afnor.CHECKS)


def specifications(folder: Path) -> Iterator[tuple[Check, Specification]]:
    """The files of a folder that describe a platform whose simulator is checked, by their titles."""
    for path in sorted(folder.glob("*.json")):
        info = json.loads(path.read_bytes()).get("info", {})
        title, version = (str(info.get(name, "")).replace("\xa0", " ") for name in ("title", "version"))
        yield from ((check, read(path, check.corrected)) for check in CHECKS if check.is_about(title, version))


def failures(check: Check, specification: Specification) -> int:
    """Print what was checked and found; how many answers are not as the file says."""
    print(f"{specification.path.name}: {specification.version}, sha256 {specification.digest}")
    print(
        f"  against the {check.platform} simulator, with {dict(check.switches)}; read in the file: {dict(check.corrected)}"
    )
    failed = 0
    with running_simulator(platform=check.platform, **check.switches) as simulator:
        headers = check.entered(simulator)
        for each in check.exchanges(simulator):
            answer = each.done_with(simulator, headers, check.base)
            kind = answer.headers.get("Content-Type", "").partition(";")[0]
            template = each.template.partition("?")[0]
            found = list(specification.findings(each.method, template, answer.status_code, kind, answer.content))
            failed += any(finding.wrong for finding in found)
            print(
                f"  {each.method:5}{each.template} {answer.status_code}: {'as it says' if not found else ''}".rstrip()
            )
            for finding in found:
                print(f"      {'WRONG' if finding.wrong else 'note'}: {finding.text}")
    print(f"  {failed} answers are not as the file says")
    return failed + failures_of_requests(check, specification)


def failures_of_requests(check: Check, specification: Specification) -> int:
    """The same of what Facteur itself asks; how many of its requests are not as the file says."""
    failed = 0
    with running_simulator(platform=check.platform, **check.switches) as simulator:
        requests = [each for each in check.asks(simulator) if each.path.startswith(check.base)]
    for each in requests:
        found = list(specification.findings_of_request(each, check.base))
        failed += any(finding.wrong for finding in found)
        for finding in found:
            print(f"  Facteur's {each.method} {each.path}")
            print(f"      {'WRONG' if finding.wrong else 'note'}: {finding.text}")
    print(f"  {failed} of Facteur's {len(requests)} requests are not as the file says")
    return failed


def main() -> None:
    folder = Path(sys.argv[1]) if sys.argv[1:] else None
    if folder is None or not folder.is_dir():
        sys.exit("name a folder with the platforms' OpenAPI files: make check-openapi SPECS=folder")
    found = list(specifications(folder))
    if not found:
        sys.exit(f"{folder} has no file of {', '.join(check.title for check in CHECKS)}")
    sys.exit(1 if sum(failures(check, specification) for check, specification in found) else 0)


if __name__ == "__main__":
    run_main(main)
