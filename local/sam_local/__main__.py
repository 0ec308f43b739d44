"""`make test-sam`: tests/sam in the best place that this machine has for it. Exit code 0 where there is none, with the reason."""

from __future__ import annotations

import os
import subprocess
import sys

from local.sam import ROOT
from local.sam_local import image
from local.sam_local.engine import NoEngineError, answering, check_own, own_engine

INSIDE = "--inside"
IMAGE_NAMED = "FACTEUR_SAM_IMAGE"  # what the functions run in, for the transcript


def main(words: list[str]) -> int:
    if INSIDE in words:
        with own_engine() as engine:
            image.import_into(engine)
            return _tests([word for word in words if word != INSIDE])
    docker = answering()
    try:
        if docker is None:
            check_own()
        os.environ[IMAGE_NAMED] = image.prepare(docker)
    except (NoEngineError, image.NoImageError) as error:
        print(f"skipped: {error}")
        return 0
    print(f"image: {os.environ[IMAGE_NAMED]}", flush=True)
    return _tests(words) if docker else _in_a_namespace(words)


def _in_a_namespace(words: list[str]) -> int:
    """An engine of our own changes routes and firewall: of a network that ends with it, and has no way out."""
    command = ["unshare", "--net", sys.executable, "-m", "local.sam_local", INSIDE, *words]
    return subprocess.run(command, env={**os.environ, "UV_OFFLINE": "1"}, check=False).returncode


def _tests(words: list[str]) -> int:
    command = [sys.executable, "-m", "pytest", "-n0", "-m", "sam", "tests/sam", *words]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
