"""The course of a trial: ask, install, deposit with the simulator until Ctrl-C, put all back."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import typer
from rich.console import Console
from rich.text import Text

from facteur.adapters.database_address import in_words
from facteur.bootstrap import operate_services
from facteur.errors import FacteurError
from facteur.operate.install import uninstall
from local.demo.interruption import Interrupted, Interruption
from local.demo.keep import tend
from local.demo.stage import BUCKET, DATABASE_SECRET, Company, Stage, stage, working_folder
from local.demo.ticks import ticking
from local.trial.documents import Documents, greeter
from local.trial.follow import Follower
from local.trial.install import TrialError, install
from local.trial.journal import Journal, OccupiedError

BETWEEN_TRIES_SECONDS = 5.0
BUCKET_NAMED = """
select split_part(i.document_uri, '/', 3) as bucket
from facteur.read_invoices((
    select array_agg(invoice_id::text) from (select invoice_id from facteur.invoice_source order by ready desc limit 50) first
), 0) i
where i.document_uri like 's3://_%' limit 1
"""
NAMES_ADDRESSES = "select facteur.source_column('document_uri') <> 'null'"
KEPT_FROM_URL = ("sslrootcert",)

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Trial:
    """What somebody wants to try out.

    Args:
        url: of the company's database, for the role that owns the invoice table.
        documents: a folder with the documents that the table's addresses name.
        buyers: make the documents' buyers known to the simulator.
        yes: ask nothing.
        init: further options of `facteur init`.
    """

    url: str = field(repr=False)
    documents: Path | None = None
    buyers: bool = False
    yes: bool = False
    init: tuple[str, ...] = ()


def try_out(trial: Trial, console: Console, interruption: Interruption) -> int:
    """Deposit the company's own invoices with the simulator until Ctrl-C, and put everything back: 0 if all is as before, else 1.

    Raises:
        TrialError: it cannot be made like this.
        OccupiedError: Facteur is installed there already, another trial runs, or this role may create nothing.
        psycopg2.Error: the database refused, and nothing was changed.
        Interrupted: somebody stopped it before it had begun.
    """
    say = _sayer(console)
    if trial.documents and not trial.documents.is_dir():
        raise TrialError(f"there is no folder {trial.documents} (DOCUMENTS)")
    place = in_words(trial.url)
    with closing(_opened(trial.url)) as journal:
        journal.claim()
        if journal.begun():
            say(f"A trial on {place} was not put back. That is done first.")
            finish(trial.url, console, interruption)
        say(
            f"This installs Facteur on {place}, deposits its finished invoices with a simulator on this machine, and writes the answers "
            "into its rows. At the end every value is put back. Take a copy of your database all the same, never production."
        )
        if not trial.yes:
            _ask(f"Go on with {place}?")
        began = time.monotonic()
        with interruption.deferred():
            journal.begin()
        try:
            made = install(trial.url, trial.init, token=journal.token, yes=trial.yes)
            unwatched = journal.watch()
            _run(trial, journal, made, unwatched, console, interruption, began)
        finally:
            stays = finish(trial.url, console, interruption)
        return int(stays)


def _opened(url: str) -> Journal:
    try:
        return Journal(url)
    except psycopg2.Error as error:
        raise TrialError(f"nothing was done: {' '.join(str(error).split())}") from None


def _ask(question: str) -> None:
    try:
        agreed = typer.confirm(question)
    except typer.Abort:  # nobody is there
        agreed = False
    if not agreed:
        raise TrialError("nothing was done (YES=1 asks nothing)")


def finish(url: str, console: Console, interruption: Interruption) -> bool:
    """Put back what a trial wrote, uninstall, and forget it; tried until it is done, or somebody leaves it to the next trial.

    Gives whether anything of the trial stays.

    Raises:
        Interrupted: it was left; the message before says to whom.
    """
    place = in_words(url)
    told = False
    while True:
        try:
            with interruption.deferred():
                stays = _put_back(url, _sayer(console))
            break
        except OccupiedError as error:
            _say(console, f"✖ {error}")
            return True
        except (psycopg2.Error, FacteurError) as error:
            if not told:
                words = " ".join(str(error).split())
                _say(console, f"✖ {place} cannot be put back yet: {words}")
                _say(
                    console,
                    "  It is tried again each 5 s. Ctrl-C leaves it to the next `make demo DATABASE=…`, which begins with it.",
                )
            told = True
            time.sleep(BETWEEN_TRIES_SECONDS)
    if stays:
        _say(console, f"✖ uninstalled from {place}, and every value is as before the trial but for what is said above")
    else:
        _say(console, f"✔ {place} is as it was before the trial")
    return stays


def _put_back(url: str, say: Say) -> bool:
    """Whether anything of the trial stays."""
    stays = False
    with closing(Journal(url)) as journal:
        for line in journal.put_back():
            done = [f"{line.restored} changes put back"] if line.restored else []
            done += [f"{line.removed} rows taken out"] if line.removed else []
            if done:
                say(f"{line.relation}: {', '.join(done)}")
            if line.stays:
                stays = True
                say(f"✖ {line.relation}: {line.stays}")
        if journal.installed():
            uninstall(operate_services(url), drop_data=True, drop_columns=True, force=True, who="the end of a trial")
        journal.end()
    return stays


def _company(journal: Journal, url: str) -> Company:
    """The company as the stack has to know it. Its functions connect as whoever tries it out."""
    named = {key: value for key, value in journal.dsn.items() if key in KEPT_FROM_URL}
    dsn = journal.dsn
    secret: Mapping[str, object] = {
        "host": dsn["host"], "port": dsn["port"], "dbname": dsn["dbname"], "username": dsn["user"],
        "password": dsn["password"], "sslmode": dsn.get("sslmode") or "prefer", **named,
    }  # fmt: skip
    return Company(url, {DATABASE_SECRET: secret}, {}, journal.value(BUCKET_NAMED) or BUCKET)


def _run(
    trial: Trial, journal: Journal, made: bool, unwatched: Sequence[str], console: Console, interruption: Interruption,
    began: float,
) -> None:  # fmt: skip
    say = _sayer(console)
    in_s3 = journal.value(NAMES_ADDRESSES)
    for table in unwatched:
        say(f"! {table} is not yours to watch: what your own triggers write there with a write-back stays there")
    with (
        working_folder(console, interruption) as folder,
        stage(say, interruption, folder, _company(journal, trial.url)) as scene,
    ):
        greet = greeter(scene.platform) if trial.buyers or made else None
        documents = Documents(trial.url, trial.documents, greet, lambda line: _say(console, line))
        follower = Follower(trial.url, lambda line: _say(console, line))
        with (
            ticking(scene.stack, lambda line: _say(console, line), prepare=lambda: documents.bring(scene.aws)),
            suppress(Interrupted),
        ):
            _say_where_to_look(trial, scene, documents, made, in_s3, console)
            say(f"ready after {time.monotonic() - began:.0f} s")
            tend(scene.parts, console, interruption, refill=documents.forget, look=follower.look)
        say("stopping, and putting everything back")


def _say_where_to_look(
    trial: Trial, scene: Stage, documents: Documents, made: bool, in_s3: bool, console: Console
) -> None:
    if made:
        _say(
            console,
            "Your table names no documents: Facteur sends ones that are made from its rows, to buyers whom the simulator knows.",
        )
    elif in_s3 and documents.folder is None:
        _say(
            console,
            "Documents that your rows name in S3 are made from the rows: DOCUMENTS=folder takes your own files.",
        )
    if documents.greet is None:
        _say(
            console,
            "The simulator does not know your buyers, and rejects what is for them (213): BUYERS=1 makes them known.",
        )
    rows = {
        "first": f"export FACTEUR_DATABASE_URL='{_without_password(trial.url)}'",
        "is all well?": ".venv/bin/facteur status",
        "one invoice": ".venv/bin/facteur show NUMBER",
        "all, live": ".venv/bin/facteur watch",
        "why not mine?": ".venv/bin/facteur preview",
        "platform": f"{scene.platform.base_url} (in a browser)",
        "a fault": f'curl -d \'{{"seconds": 60, "fault": "503"}}\' {scene.platform.admin_url}/_simulator/faults/outage',
        "and its end": f"curl -d '{{\"seconds\": 0}}' {scene.platform.admin_url}/_simulator/faults/outage",
    }
    _say(console, "Finish an invoice in your application, or in SQL, and watch it here. In another terminal:")
    for name, value in rows.items():
        _say(console, f"  {name:<14} {value}")
    _say(console, "Everything keeps running until Ctrl-C, which puts every value back.")


def _without_password(url: str) -> str:
    """The URL as it may be shown. What is no URL is not shown at all."""
    parts = urlsplit(url)
    if not parts.netloc or "password" in parts.query:
        return "…as you gave it…"
    user, at, host = parts.netloc.rpartition("@")
    name, colon, _ = user.partition(":")
    return parts._replace(netloc=f"{name}{':…' if colon else ''}{at}{host}").geturl()


def _sayer(console: Console) -> Say:
    return lambda line: console.print(Text(line, style="dim"), soft_wrap=True)


def _say(console: Console, line: str) -> None:
    console.print(Text(line), soft_wrap=True)
