"""The throw-away Postgres starts wherever the project was cloned to, and says in a sentence where it cannot."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from local.start import StartError
from local.world.postgres import embedded_binaries, postgres_server

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the server to another user")


@pytest.fixture
def private() -> Iterator[Path]:
    """A folder as /root is; a blank in its path."""
    folder = Path(tempfile.mkdtemp(prefix="facteur private "))
    yield folder
    shutil.rmtree(folder)


def _installed(folder: Path, *, mode: int) -> Path:
    """The server's package and the libraries that lie beside it, below a folder; `mode` is what a umask left of each file."""
    package = embedded_binaries().parent.parent
    for name in (package.name, f"{package.name}.libs"):
        shutil.copytree(package.with_name(name), folder / name, symlinks=True)
        for path in (folder / name, *(folder / name).rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & mode)
    return folder / package.name / "pginstall" / "bin"


def _answers(binaries: Path) -> bool:
    with postgres_server(binaries=binaries) as server, psycopg2.connect(server.url()) as connection:
        cursor = connection.cursor()
        cursor.execute("select 1")
        found = cursor.fetchone() == (1,)
    connection.close()
    return found


@only_root
def test_a_clone_below_a_folder_of_roots_own_starts_its_server(private: Path) -> None:
    assert _answers(_installed(private, mode=0o777))


@pytest.mark.slow
@only_root
def test_a_clone_made_with_a_umask_of_077_starts_its_server(private: Path) -> None:
    private.chmod(0o755)

    assert _answers(_installed(private, mode=0o700))


@pytest.mark.slow
@only_root
def test_a_temporary_folder_of_roots_own_hides_no_server(private: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(private))

    assert _answers(embedded_binaries())


def test_what_does_not_start_is_reported_in_one_sentence_and_its_log_is_kept() -> None:
    with pytest.raises(StartError) as said, postgres_server("no_such_setting=1"):
        pass

    sentence = str(said.value)
    log = Path(sentence.rpartition("its log: ")[2])
    assert "\n" not in sentence
    assert "no_such_setting" in sentence
    assert "no_such_setting" in log.read_text()
    log.unlink()


def test_programs_that_cannot_run_are_reported_as_well(private: Path) -> None:
    with pytest.raises(StartError) as said, postgres_server(binaries=private / "bin"):
        pass

    Path(str(said.value).rpartition("its log: ")[2]).unlink()
