"""Versions of Facteur's code beside this one: a released one from its archive, and one that is still to come."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.release.frozen import archives, code, unpacked
from local.release.version import COPIES, written
from local.sam import load_template

# Calls a handler for each line that comes: ["submit_invoices", {"Records": []}]. What the handlers log goes where errors go.
PROGRAM = """
import importlib, json, os, sys
from pathlib import Path
for each in Path("functions").glob("*/app.py"):
    importlib.import_module(f"functions.{each.parent.name}.app")
answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)
for line in sys.stdin:
    name, event = json.loads(line)
    try:
        said = {"result": importlib.import_module(f"functions.{name}.app").handler(event, None)}
    except Exception as error:
        said = {"raised": f"{type(error).__name__}: {error}"}
    print(json.dumps(said), file=answers)
"""
NAMES = Path(__file__).with_name("names.py")
NEXT = "99.0.0"
# What a later version may do to the tables: add to them. The migration is of the tests alone.
NEXT_SCHEMA = """
alter table facteur.submissions add column next_words text not null default 'as before';
alter table facteur.attempts add column next_number bigint;
create table facteur.next_table (id bigint primary key references facteur.submissions on delete cascade);
create index next_index on facteur.submissions (next_words, id);
"""
# ... and to what is computed: a function more, and a column more at the end of a view.
NEXT_FUNCTION = "create or replace function facteur.next_release() returns text language sql immutable as $$ select 'next'::text $$;\n"
VIEW_ENDS = "string_agg(distinct detail, ', ') as detail\nfrom"


@dataclass(frozen=True, slots=True)
class Handlers:
    """The functions of a version, in a process of their own, with this one's environment."""

    version: str
    process: subprocess.Popen[str]
    log: Path

    def begin(self, function: str, event: Any) -> None:
        """Invoke a function, and do not wait for it."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps([function, event]) + "\n")
        self.process.stdin.flush()

    def finish(self) -> Any:
        """What the function returned that was begun."""
        assert self.process.stdout
        said = json.loads(self.process.stdout.readline() or json.dumps({"raised": self.log.read_text()[-2000:]}))
        assert "result" in said, f"{self.version}: {said['raised']}"
        return said["result"]

    def call(self, function: str, event: Any = None) -> Any:
        """Invoke a function, and wait."""
        self.begin(function, event or {})
        return self.finish()

    def die(self) -> None:
        """As when Lambda takes the container away in the middle of a call."""
        self.process.kill()
        self.process.wait()


def names(files: dict[str, bytes], folder: Path) -> dict[str, set[str]]:
    """What this code promises to keep: names by their kind."""
    paths = _written(files, folder)
    printed = subprocess.check_output(
        [sys.executable, "-c", NAMES.read_text("utf-8")], cwd=folder, env={**os.environ, **paths}, text=True
    )
    template = load_template(folder)
    found: dict[str, list[str]] = json.loads(printed)
    found |= {"parameters": list(template["Parameters"]), "outputs": list(template["Outputs"])}
    return {kind: set(each) for kind, each in found.items()}


def _written(files: dict[str, bytes], root: Path) -> dict[str, str]:
    """Write the code below `root`; the variables with which Python finds it there."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return {"PYTHONPATH": str(root / "layers" / "core" / "python"), "PYTHONDONTWRITEBYTECODE": "1"}


@contextmanager
def handlers(version: str, files: dict[str, bytes], folder: Path) -> Iterator[Handlers]:
    """Start the functions of this code; they end with the context."""
    folder = Path(tempfile.mkdtemp(prefix=f"{version}-", dir=folder))
    root = folder / "code"
    paths, log = _written(files, root), folder / "log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM], cwd=root, env={**os.environ, **paths}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
        )  # fmt: skip
    try:
        yield Handlers(version, process, log)
    finally:
        process.kill()
        process.communicate()
        shutil.rmtree(root)


def released(version: str) -> dict[str, bytes]:
    """The code of a release."""
    return unpacked(archives()[version])


def to_come() -> dict[str, bytes]:
    """This code as a later version: one more schema file, a function, a view's column, everything else as it is."""
    texts, package = code(), "layers/core/python/facteur"
    (init,) = (name for name in COPIES if name.endswith("__init__.py"))
    functions, view = f"{package}/sql/functions/changes.sql", f"{package}/sql/functions/waiting.sql"
    longer = VIEW_ENDS.replace("\n", ", facteur.next_release() as next_column\n")
    assert VIEW_ENDS.encode() in texts[view]
    return {
        **texts,
        init: written(texts[init].decode(), COPIES[init], NEXT).encode(),
        f"{package}/sql/schema/9000_next.sql": NEXT_SCHEMA.encode(),
        functions: texts[functions] + NEXT_FUNCTION.encode(),
        view: texts[view].replace(VIEW_ENDS.encode(), longer.encode()),
    }
