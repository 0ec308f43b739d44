"""Neither secrets nor tokens nor documents nor names of buyers show, however much is logged and whatever goes wrong."""

from __future__ import annotations

import gc
import importlib
import logging
import re
import traceback
from collections.abc import Callable, Iterator

import pytest

from facteur import container, observability
from facteur.aws.cloudformation import answer
from facteur.errors import FacteurError
from facteur.platforms.oauth import BearerToken
from functions.poll_statuses import app as poll
from local.invoices import render, sample_invoice
from local.simulator.core.faults import CATALOGUE
from local.world.levers import World, platform_secret
from local.world.stack import database_secret
from tests.raw_server import closed_port

SECRET = "s3cr3t-of-the-account"
PASSWORD = "s3cr3t-of-the-database"
FAULTS = [name for name in CATALOGUE if not name.startswith(("timeout", "slow", "stored_late", "answer", "stored"))]


@pytest.fixture
def settings() -> dict[str, str]:
    return {"LOG_LEVEL": "DEBUG", "POWERTOOLS_LOG_LEVEL": "DEBUG"}


@pytest.fixture(autouse=True)
def journals() -> None:
    """Loggers keep the stream they were born with, and that must not be one that ends with a test."""
    importlib.import_module(
        "facteur.aws.secrets_manager"
    )  # before the test itself uses boto3: it silences its debug lines
    for service in ("relay_submissions", "submit_invoices", "poll_statuses"):
        observability._journal(service)


@pytest.fixture
def loud(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Everything that any library has to say."""
    with caplog.at_level(logging.DEBUG):
        yield caplog


def forbidden(world: World, ranks: range) -> list[str]:
    """What must not show: the secrets, the tokens of now, and what stands in the documents and nowhere else."""
    tokens = [t for each in gc.get_objects() if isinstance(each, BearerToken) and (t := each._token)]
    assert tokens
    names = {sample_invoice(rank).buyer.name for rank in ranks}
    words = {word for name in names for word in re.split(r"[ '&]+", name) if len(word) > 7}
    return [SECRET, PASSWORD, "Bearer ", "CrossIndustryInvoice", *tokens, *words]


def reprs() -> str:
    """Every object of ours that is alive, as a log or a debugger would show it."""
    ours = [each for each in gc.get_objects() if str(type(each).__module__).partition(".")[0] == "facteur"]
    assert ours
    return "\n".join(f"{each!r} {each}" for each in ours)


def shown(loud: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> str:
    formatter = logging.Formatter()
    records = "\n".join(f"{formatter.format(record)} {vars(record)}" for record in loud.records)
    return "\n".join([records, *capfd.readouterr(), reprs()])


def assert_hidden(words: list[str], text: str) -> None:
    for word in words:
        at = text.find(word)
        assert at < 0, f"{word!r} shows in: …{text[max(0, at - 300) : at + 100]}…"


# So many refusals would let deposits go one at a time, an hour apart: each fault is to be met.
AT_FULL_SPEED = """
update facteur.budgets set recovery = null, refusals = 0, deposits_at = null, deposits_wait = null, paused_until = null,
    probing = false, failures = 0
"""


def test_no_fault_of_the_platform_brings_a_secret_to_light(
    world: World, loud: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    world.simulator.rotate_secret(SECRET)
    world.put_secret("default", platform_secret(world.simulator) | {"client_secret": SECRET})
    ranks = range(len(FAULTS))
    for rank, fault in enumerate(FAULTS):
        world.simulator.script(sample_invoice(rank).number, [fault])
        world.add(rank)

    for endpoint in ("search", "files", "download", "history", "token"):
        world.simulator.script_endpoint(endpoint, ["500", "html", "reset", "401"])
    met: set[str] = set()
    for _ in range(15):
        world.deposit()
        world.poll()
        world.advance(400)
        world.database.rows(AT_FULL_SPEED)
        met = {call["fault"] for call in world.simulator.calls("deposit")}
        if met >= set(FAULTS):
            break

    assert met >= set(FAULTS)
    assert_hidden(forbidden(world, ranks), shown(loud, capfd))


def failing(work: Callable[[], object]) -> str:
    """The text of the error, and of all it was raised from, as a traceback shows them."""
    with pytest.raises(FacteurError) as raised:
        work()
    return "".join(traceback.format_exception(raised.value)) + repr(raised.value)


def test_no_error_that_escapes_says_a_secret(
    world: World, loud: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], database_url: str
) -> None:
    good = database_secret(database_url)
    world.add(1)
    world.relay()
    texts = []
    for wrong in (
        good | {"port": closed_port(), "password": PASSWORD}, good | {"dbname": "elsewhere", "password": PASSWORD},
        {"host": "h", "password": PASSWORD}, f"postgres://u:{PASSWORD}@h/d",
    ):  # fmt: skip
        world.put_secret("database", wrong)
        world.new_container()
        texts.append(failing(world.submit))
    world.put_secret("database", good)
    for secret in (platform_secret(world.simulator) | {"client_secret": SECRET, "sandbox": "yes"}, f"secret={SECRET}"):
        world.put_secret("default", secret)
        world.new_container()
        world.relay()
        world.submit()
        texts.append(str(world.submission(1)))
        world.advance(400)

    assert "secret_malformed" in texts[-2]
    assert "secret_unreadable" in texts[-1]
    assert_hidden([SECRET, PASSWORD], "\n".join([*texts, shown(loud, capfd)]))


def test_a_token_endpoint_that_quotes_what_it_was_sent_is_not_quoted(
    world: World, loud: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    world.put_secret("default", platform_secret(world.simulator) | {"client_secret": SECRET})
    world.add(1)

    world.deposit()

    assert world.submission(1).last_error_code == "token_refused"
    assert_hidden([SECRET], "\n".join([str(world.submission(1)), str(world.attempts(1)), shown(loud, capfd)]))


def test_nothing_that_is_stored_holds_a_secret_or_a_document(world: World) -> None:
    world.add(1)
    world.add(2, content=render(sample_invoice(2), "facturx"))
    world.deposit()
    world.advance(10)
    poll.handler({}, None)

    tables = [
        row.tablename for row in world.database.rows("select tablename from pg_tables where schemaname = 'facteur'")
    ]
    stored = "".join(str(world.database.rows(f"select t::text from facteur.{table} t")) for table in tables)

    assert world.row(1).submission_id in stored
    assert_hidden(
        [world.simulator.client_secret + '"', *forbidden(world, range(1, 3))[4:], "CrossIndustry", "%PDF"], stored
    )


def test_cloudformations_signed_address_stays_hidden(loud: pytest.LogCaptureFixture) -> None:
    event = {"ResponseURL": f"http://127.0.0.1:{closed_port()}/?X-Amz-Signature={SECRET}"}

    assert_hidden([SECRET], failing(lambda: answer(event, None, "SUCCESS", "")))


def test_a_running_containers_own_objects_hide_what_they_hold(world: World) -> None:
    world.add(1)
    world.deposit()

    text = f"{container.platforms()!r} {vars(container.platforms())!r} {reprs()}"

    assert_hidden([word for word in forbidden(world, range(1, 2)) if word != SECRET], text)
