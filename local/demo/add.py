"""`python -m local.demo.add FOLDER`: one more invoice for the demo that keeps running, as an application writes it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from local.demo.application import Application
from local.demo.cases import STORIES, ordinary_case
from local.demo.companies import ACCOUNTS, FIRST
from local.demo.stage import RUNNING
from local.invoices import BUYERS
from local.start import run_main
from local.world.aws import Aws

FIRST_RANK = 1000  # far from those that the demo itself writes


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        running = json.loads((options.folder / RUNNING).read_text())
    except FileNotFoundError:
        print(
            f"no demo keeps running in {options.folder}: start one with `make demo KEEP=1` in another terminal",
            file=sys.stderr,
        )
        return 2
    if options.account not in running["accounts"]:
        print(f"the demo has no account {options.account}: it has {', '.join(running['accounts'])}", file=sys.stderr)
        return 2
    aws = Aws.from_environ(running["aws"])
    with closing(Application(running["database_url"])) as application:
        case = ordinary_case(FIRST_RANK + application.count(), BUYERS_BY_CODE[options.ends], options.account)
        s3 = aws.session.client("s3", endpoint_url=aws.endpoint_url)
        s3.put_object(Bucket=running["bucket"], Key=case.file_name, Body=case.document)
        written = replace(case, finished=not options.draft)
        (key,) = application.write([written], [f"s3://{running['bucket']}/{case.file_name}"])
    print(f"{case.number} is row {key} of invoicing.invoices, {case.total} EUR; {case.story}")
    if options.draft:
        print(f"a draft, which nobody touches: set its status to 'final' (row {key}) and watch")
    print(f".venv/bin/facteur show {case.number} --database {running['database_url']}")
    return 0


BUYERS_BY_CODE = {buyer.siren[:3]: buyer for buyer in BUYERS}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.demo.add", description=__doc__)
    ends = {code: STORIES[code] for code in BUYERS_BY_CODE}
    stories = ", ".join(f"{code} ({story})" for code, story in ends.items())
    parser.add_argument("folder", type=Path, help="the demo's folder, as it says itself")
    parser.add_argument("--ends", choices=list(ends), default="205", metavar="CODE", help=f"how far it goes: {stories}")
    parser.add_argument(
        "--account", choices=list(ACCOUNTS), default=FIRST.name, help="whose company writes it (default: default)"
    )
    parser.add_argument(
        "--draft", action="store_true", help="not finished yet: Facteur leaves it alone until you finish it"
    )
    return parser


if __name__ == "__main__":
    run_main(main)
