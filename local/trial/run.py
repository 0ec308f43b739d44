"""The course of a trial: ask, install, deposit with the simulator until Ctrl-C, put all back."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
import typer
from rich.console import Console
from rich.text import Text

from facteur.errors import FacteurError
from facteur.operate.install import uninstall
from facteur.operate.wiring import operate_services
from facteur.postgres.url import in_words
from local.demo.interruption import Interrupted, Interruption
from local.demo.keep import tend
from local.demo.stage import BUCKET, DATABASE_SECRET, Company, stage, working_folder
from local.demo.ticks import ticking
from local.trial.documents import Documents, greeter
from local.trial.follow import Follower
from local.trial.guide import say_where_to_look
from local.trial.install import TrialError, install
from local.trial.journal import Journal, OccupiedError
from local.trial.store import Store

BETWEEN_TRIES_SECONDS = 5.0
READER = "SubmitInvoicesRole"  # of the function that fetches documents
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
        token = journal.token
        try:
            made = install(trial.url, trial.init, folder=trial.documents is not None, token=token, yes=trial.yes)
            unwatched = journal.watch()
            _run(trial, journal, made, unwatched, console, interruption, began)
        finally:
            stays = finish(trial.url, console, interruption, token)
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


def finish(url: str, console: Console, interruption: Interruption, token: str | None = None) -> bool:
    """Put back what a trial wrote, uninstall, and forget it; tried until it is done, or somebody leaves it to the next trial.

    `token`: of this trial; without one, of whichever was left there.

    Gives whether anything of the trial stays.

    Raises:
        Interrupted: it was left; the message before says to whom.
    """
    place = in_words(url)
    said = False
    while True:
        try:
            with interruption.deferred():
                stays = _put_back(url, token, _sayer(console))
            break
        except OccupiedError as error:
            _say(console, f"✖ {error}")
            return True
        except (psycopg2.Error, FacteurError) as error:
            if not said:
                words = " ".join(str(error).split())
                _say(console, f"✖ {place} cannot be put back yet: {words}")
                _say(
                    console,
                    "  It is tried again each 5 s. Ctrl-C leaves it to the next `make demo DATABASE=…`, which begins with it.",
                )
            said = True
            time.sleep(BETWEEN_TRIES_SECONDS)
    if stays:
        _say(console, f"✖ uninstalled from {place}, and every value is as before the trial but for what is said above")
    else:
        _say(console, f"✔ {place} is as it was before the trial")
    return stays


def _put_back(url: str, token: str | None, say: Say) -> bool:
    """Whether anything of the trial stays."""
    stays = False
    with closing(Journal(url)) as journal:
        for line in journal.put_back(token):
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
    return Company(url, {DATABASE_SECRET: secret}, {}, BUCKET)


def _run(
    trial: Trial, journal: Journal, made: str | None, unwatched: Sequence[str], console: Console, interruption: Interruption,
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
        store = Store(scene.aws, scene.stack.resources[READER])
        make = made is not None or trial.documents is None
        documents = Documents(trial.url, trial.documents, make, greet, lambda line: _say(console, line))

        def forget() -> None:
            store.forget()
            documents.forget()

        follower = Follower(trial.url, lambda line: _say(console, line))
        with (
            ticking(scene.stack, lambda line: _say(console, line), prepare=lambda: documents.bring(store)),
            suppress(Interrupted),
        ):
            say_where_to_look(trial.url, scene, documents, made, in_s3, lambda line: _say(console, line))
            say(f"ready after {time.monotonic() - began:.0f} s")
            tend(scene.parts, console, interruption, refill=forget, look=follower.look)
        say("stopping, and putting everything back")


def _sayer(console: Console) -> Say:
    return lambda line: console.print(Text(line, style="dim"), soft_wrap=True)


def _say(console: Console, line: str) -> None:
    console.print(Text(line), soft_wrap=True)
