"""What the demo says when all is done: the outcome, one invoice's story, and where to look further."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from local.demo.application import STORY_SHOWN, StoryLine
from local.demo.companies import ACCOUNTS, FIRST, Account
from local.demo.outcome import Outcome
from local.demo.stage import BUCKET, STACK, Stage
from local.demo.watch import Watch

ERRORS_SHOWN = 10
PYTHON = ".venv/bin/python"
SAM_EVENTS = {
    "RelaySubmissionsFunction": "relay_submissions.tick.json", "SubmitInvoicesFunction": "submit_invoices.one.json",
    "PollStatusesFunction": "poll_statuses.tick.json", "OperateReadFunction": "operate_read.status.json",
    "OperateFunction": "operate.status.json", "MigrateDatabaseFunction": "migrate_database.by_hand.json",
}  # fmt: skip


def say_outcome(console: Console, outcome: Outcome, watch: Watch) -> None:
    """The summary in a few lines, and every complaint in full."""
    style = "green" if outcome.good else "bold red"
    mark = "✔" if outcome.good else "✖"
    ends = f"{mark} {outcome.as_expected} of {outcome.invoices} invoices reached the expected end"
    books = f"the platforms' ledgers: {outcome.deposits} deposits, {outcome.sent_twice} sent twice, {outcome.lost} lost"
    console.print(Text(f"{ends}; {books}", style=style), soft_wrap=True)
    console.print(
        f"  after the insert: first answer {_seconds(watch.first_answer)}, last answer {_seconds(watch.last_answer)}, "
        f"all at their end {_seconds(watch.seconds if outcome.good else None)}"
    )
    for complaint in outcome.complaints:
        console.print(Text(f"  ✖ {complaint}", style="red"), soft_wrap=True)


def say_companies(console: Console, accounts: Sequence[Account]) -> None:
    """Who writes the invoices, and with which platform each deposits."""
    console.print("One table, three companies; each deposits with its own platform, which its secret names:")
    for each in accounts:
        console.print(Text(f"  {each.title:<10} {each.seller.name}, account {each.name}"), soft_wrap=True)


def say_platforms(console: Console, deposited: Sequence[tuple[str, str]]) -> None:
    """What each platform has, and how it is asked."""
    deposits = Counter(name for name, _ in deposited)
    for name, count in deposits.items():
        account = ACCOUNTS[name]
        console.print(Text(f"  {account.title:<10} {count:>2} deposits: {account.differs}"), soft_wrap=True)


def _seconds(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.1f} s"


def say_story(console: Console, number: str, lines: Sequence[StoryLine]) -> None:
    """One invoice's rows of facteur.story."""
    table = Table(title=STORY_SHOWN.format(number=number), title_justify="left")
    for column in ("at", "what", "detail"):
        table.add_column(column, no_wrap=True, overflow="ellipsis")
    for line in lines:
        table.add_row(f"{line.at:%H:%M:%S.%f}"[:-3], Text(line.what), Text(line.detail or ""))
    console.print(table)


def say_errors(console: Console, errors: Sequence[str]) -> None:
    for error in errors[-ERRORS_SHOWN:]:
        console.print(Text(f"  {error}", style="red"), soft_wrap=True)


def say_sam_commands(console: Console, scene: Stage, environment: Path) -> None:
    """How each function is run in a container by the SAM CLI, against what is kept."""
    architecture = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
    console.print(
        f"The invoices are written, and the stack leaves them alone. In another terminal, after `make build ARCH={architecture}`:"
    )
    exported = " ".join(f"{name}={value}" for name, value in scene.aws.environ().items() if name != "AWS_ENDPOINT_URL")
    console.print(Text(f"  export {exported} SAM_CLI_TELEMETRY=0"), soft_wrap=True)
    for function, event in SAM_EVENTS.items():
        command = f"sam local invoke {function} --template .aws-sam/build/template.yaml --event events/{event}"
        more = f"--env-vars {environment} --parameter-overrides Architecture={architecture}"
        console.print(Text(f"  {command} {more}"), soft_wrap=True)


def say_how_to_look_further(console: Console, scene: Stage, folder: Path, number: str) -> None:
    """Addresses and commands for as long as the demo keeps running."""
    rows = {
        "Postgres": scene.database_url,
        "one invoice": f"{STORY_SHOWN.format(number=number)};",
        "all of them": "select * from facteur.health;",
        "platform": f"{scene.platform.base_url} (also in a browser)",
        **{ACCOUNTS[name].title: each.base_url for name, each in scene.platforms.items() if name != FIRST.name},
        "its account": f"client_id={scene.platform.client_id} client_secret={scene.platform.client_secret}",
        "AWS": f"export AWS_ENDPOINT_URL={scene.aws.endpoint_url} AWS_REGION={scene.aws.region} "
        f"AWS_DEFAULT_REGION={scene.aws.region} "
        f"AWS_ACCESS_KEY_ID={scene.aws.access_key_id} AWS_SECRET_ACCESS_KEY={scene.aws.secret_access_key}",
        "the stack": f"{STACK} (AWS exported as above)",
        "": f".venv/bin/facteur status --stack {STACK}",
        "or directly": f".venv/bin/facteur status --database {scene.database_url}",
        "documents": f"s3://{BUCKET}",
        "log files": str(folder),
    }
    tries = {
        "an invoice of yours": f"{PYTHON} -m local.demo.add {folder}",
        "its story": f".venv/bin/facteur show NUMBER --database {scene.database_url}",
        "all, live": f".venv/bin/facteur watch --database {scene.database_url}",
        "a fault": f'curl -d \'{{"seconds": 60, "fault": "503"}}\' {scene.platform.admin_url}/_simulator/faults/outage',
        "and its end": f"curl -d '{{\"seconds\": 0}}' {scene.platform.admin_url}/_simulator/faults/outage",
    }
    console.print("Look further, in another terminal:")
    for name, value in rows.items():
        console.print(Text(f"  {name:<12} {value}"), soft_wrap=True)
    console.print("Try, there as well:")
    for name, value in tries.items():
        console.print(Text(f"  {name:<20} {value}"), soft_wrap=True)
