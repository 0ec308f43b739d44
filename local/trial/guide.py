"""What a person can do while a trial runs."""

from __future__ import annotations

import shlex
from collections.abc import Callable

import psycopg2
from psycopg2.extensions import parse_dsn

from local.demo.stage import Stage
from local.trial.documents import Documents


def say_where_to_look(
    url: str, scene: Stage, documents: Documents, made: str | None, in_s3: bool, say: Callable[[str], None]
) -> None:
    """Say what is sent, and what to type in another terminal. `made`: why documents are made from rows, if they are."""
    if made:
        own = f"the files of {documents.folder} where they fit, else " if documents.folder else ""
        say(f"{made}: Facteur sends {own}ones that are made from its rows, to buyers whom the simulator knows.")
    elif in_s3 and documents.folder is None:
        say(
            "Documents that your rows name in S3 are made from the rows: DOCUMENTS=folder takes your own files.",
        )
    if documents.greet is None:
        say(
            "The simulator does not know your buyers, and rejects what is for them (213): BUYERS=1 makes them known.",
        )
    rows = {
        **steps_to_connect(url),
        "is all well?": ".venv/bin/facteur status",
        "one invoice": ".venv/bin/facteur show NUMBER",
        "all, live": ".venv/bin/facteur watch",
        "why not mine?": ".venv/bin/facteur preview",
        "platform": f"{scene.platform.base_url} (in a browser)",
        "a fault": f'curl -d \'{{"seconds": 60, "fault": "503"}}\' {scene.platform.admin_url}/_simulator/faults/outage',
        "and its end": f"curl -d '{{\"seconds\": 0}}' {scene.platform.admin_url}/_simulator/faults/outage",
    }
    say("Finish an invoice in your application, or in SQL, and watch it here. In another terminal:")
    for name, value in rows.items():
        say(f"  {name:<14} {value}")
    say("Everything keeps running until Ctrl-C, which puts every value back.")


def steps_to_connect(url: str) -> dict[str, str]:
    """What works when it is pasted. A password is never shown, so a URL that holds one, or is none, is typed once more."""
    try:
        secret = not {"password", "sslpassword"}.isdisjoint(parse_dsn(url))
    except psycopg2.Error:
        secret = True
    if not secret:
        return {"first": f"export FACTEUR_DATABASE_URL={shlex.quote(url)}"}
    return {
        "first": "read -rs FACTEUR_DATABASE_URL; export FACTEUR_DATABASE_URL",
        "and then": "paste the URL that you gave as DATABASE, and press Enter: it is not shown",
    }
