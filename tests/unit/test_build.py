"""What the layers hold when they are built for Lambda, whatever machine builds them."""

from __future__ import annotations

import os
import platform
import re
import shutil
import ssl
import struct
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pytest

from local.sam import ROOT

LAYER = ROOT / "layers" / "dependencies"
CORE = ROOT / "layers" / "core"
HANDLERS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))
ELF_MACHINES = {"arm64": 0xB7, "x86_64": 0x3E}
WHEEL_MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
LAMBDA_PYTHON = "3.13"
LAMBDA_GLIBC = 34  # Amazon Linux 2023, on which the runtime stands, has glibc 2.34
LARGEST_LAYERS = 30 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Runtime:
    """Lambda's interpreter, and the folders that Lambda has on its path beside the function's own."""

    python: str
    folders: tuple[Path, ...]

    def run(self, program: str, *folders: Path) -> None:
        """Run the program with these folders, nothing that is installed, and an empty environment."""
        path = os.pathsep.join(map(str, [*folders, *self.folders]))
        ran = subprocess.run(
            [self.python, "-s", "-S", "-W", "error", "-c", program],
            env={"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr


@pytest.fixture(scope="module", params=ELF_MACHINES)
def architecture(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def built(architecture: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dependency layer, built by the Makefile that `sam build` runs, as it runs it."""
    return _build(architecture, tmp_path_factory.mktemp(architecture))


def test_every_binary_is_for_the_architecture_of_the_functions(architecture: str, built: Path) -> None:
    binaries = [path for path in built.rglob("*") if path.is_file() and path.read_bytes()[:4] == b"\x7fELF"]

    assert binaries
    assert {struct.unpack_from("<H", path.read_bytes(), 18)[0] for path in binaries} == {ELF_MACHINES[architecture]}


def test_every_wheel_fits_the_interpreter_and_the_system_of_the_runtime(architecture: str, built: Path) -> None:
    tags = [tag for path in built.rglob("WHEEL") for tag in re.findall(r"^Tag: (\S+)$", path.read_text(), re.MULTILINE)]

    assert tags
    for tag in tags:
        interpreter, _abi, system = tag.split("-")
        assert interpreter in {"py3", "cp313"} or (interpreter == "py2" and "py3-none-any" in tags), tag
        assert system == "any" or system.endswith(WHEEL_MACHINES[architecture]), tag
        glibc = re.match(r"manylinux_2_(\d+)_", system)
        assert glibc is None or int(glibc[1]) <= LAMBDA_GLIBC, tag


def test_every_extension_module_has_the_abi_of_the_runtime(built: Path) -> None:
    modules = [path.name for path in built.rglob("*.so") if ".libs" not in path.parent.name]

    assert modules
    assert all(".cpython-313-" in name or ".abi3." in name for name in modules)


def test_the_layer_leaves_out_what_the_runtime_brings(built: Path) -> None:
    names = {path.name for path in (built / "python").iterdir()}

    assert {"psycopg2", "requests", "aws_lambda_powertools"} <= names
    assert not names & {"boto3", "botocore", "s3transfer", "bin"}


def test_the_unzipped_layers_stay_small(built: Path) -> None:
    files = [path for folder in (built, CORE) for path in folder.rglob("*") if "__pycache__" not in path.parts]

    assert sum(path.stat().st_size for path in files if path.is_file()) < LARGEST_LAYERS


def test_the_bundle_of_database_authorities_is_read_by_openssl_and_covers_paris() -> None:
    bundle = (CORE / "python" / "facteur" / "rds-global-bundle.pem").read_text()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    context.load_verify_locations(cadata=bundle)

    names = [str(each["subject"]) for each in context.get_ca_certs()]
    assert len(names) == bundle.count("BEGIN CERTIFICATE") > 90
    assert any("Amazon RDS eu-west-3 Root CA RSA2048 G1" in name for name in names)


@pytest.mark.parametrize("name", HANDLERS)
def test_a_handler_is_imported_from_the_built_layers_and_boto3_alone(name: str, runtime: Runtime) -> None:
    runtime.run("import app; assert callable(app.handler)", ROOT / "functions" / name)


def test_every_module_of_the_package_is_imported_from_the_built_layers_and_boto3_alone(runtime: Runtime) -> None:
    runtime.run(
        "import importlib, pkgutil, facteur\n"
        "for module in pkgutil.walk_packages(facteur.__path__, 'facteur.'):\n"
        "    if not module.name.endswith('__main__') and not module.name.startswith('facteur.cli.'):\n"
        "        importlib.import_module(module.name)"
    )


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Runtime:
    python = _lambda_python()
    if python is None:
        pytest.skip(f"no Python {LAMBDA_PYTHON} on this machine")
    if platform.system() != "Linux":
        pytest.skip("the layers are built for Linux")
    brought = tmp_path_factory.mktemp("brought")
    _uv("pip", "install", "--quiet", "--python", python, "--target", str(brought), f"boto3=={version('boto3')}")
    machine = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"
    layer = _build(machine, tmp_path_factory.mktemp("layer"))
    return Runtime(python, (layer / "python", CORE / "python", brought))


def _build(architecture: str, folder: Path) -> Path:
    variables = {**_environ(), "ARCH": architecture, "UV": str(_uv_program()), "ARTIFACTS_DIR": str(folder)}
    subprocess.run(["make", "--silent", "build-DependenciesLayer"], cwd=LAYER, env=variables, check=True)
    return folder


@cache
def _lambda_python() -> str | None:
    """An interpreter of Lambda's version; pyenv's are looked up in its folder, as its shims may refuse to run."""
    name = f"python{LAMBDA_PYTHON}"
    installed = sorted(Path.home().glob(f".pyenv/versions/{LAMBDA_PYTHON}.*/bin/{name}"))
    for candidate in (shutil.which(name), *map(str, installed)):
        if candidate and subprocess.run([candidate, "-V"], capture_output=True, check=False).returncode == 0:
            return candidate
    return None


def _uv(*arguments: str) -> None:
    subprocess.run([_uv_program(), *arguments], env=_environ(), check=True)


def _uv_program() -> Path:
    return Path(sys.executable).with_name("uv")


def _environ() -> dict[str, str]:
    """The environment of `make test`, whatever started the tests: uv keeps its files in .venv."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return {"UV_CACHE_DIR": str(ROOT / ".venv" / ".uv-cache"), **inherited}
