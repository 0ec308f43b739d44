"""What an operation answers is the same value once it has been JSON, and what does not fit is a sentence."""

from __future__ import annotations

import inspect
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import is_dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, get_type_hints

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from facteur import __version__, errors
from facteur.aws.clients import forget_clients
from facteur.cli.answers import answered, made
from facteur.cli.main import app
from facteur.errors import FacteurError, OperatorError
from facteur.operate.dispatch import OPERATIONS, as_plain, refusal
from facteur.operate.listing import list_invoices
from facteur.operate.model.acts import Done
from facteur.operate.model.story import Listing
from facteur.operate.status import status

st.register_type_strategy(float, st.floats(allow_nan=False) | st.integers())  # an operation may count in whole seconds
st.register_type_strategy(Decimal, st.decimals(allow_nan=False, allow_infinity=False))
st.register_type_strategy(datetime, st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=2))])))
BY_ANSWER = {get_type_hints(each)["return"]: each for each in OPERATIONS.values()}
LISTED: dict[str, Any] = {
    "invoice_id": "1", "account": "default", "state": "failed", "invoice_number": None, "total": "1.20", "currency": None,
    "since": "2026-11-30T07:00:00+00:00", "due_at": None, "submission_id": None, "lifecycle_code": None, "age_seconds": 3, "about": None,
}  # fmt: skip


def listing(**changed: Any) -> dict[str, Any]:
    return {"invoices": [{**LISTED, **changed}], "unreadable": [], "more": 0}


def without(name: str) -> dict[str, Any]:
    return {**listing(), "invoices": [{each: value for each, value in LISTED.items() if each != name}]}


@pytest.mark.parametrize("operation", BY_ANSWER.values())
def test_an_answer_survives_being_json(operation: Callable[..., Any]) -> None:
    @settings(max_examples=15, deadline=None, phases=[Phase.generate])
    @given(st.from_type(get_type_hints(operation)["return"]))
    def survives(answer: Any) -> None:
        sent = json.dumps({"result": as_plain(answer)})

        received = answered(operation, json.loads(sent))

        assert received == answer
        assert json.dumps({"result": as_plain(received)}) == sent

    survives()


def test_what_is_new_at_the_stack_is_left_out_and_what_it_does_not_know_yet_is_as_before() -> None:
    answer = {**listing(), "something": {"new": 1}}

    assert answered(list_invoices, {"result": answer}) == made(Listing, listing())
    assert made(Listing, listing()).invoices[0].status is None


@pytest.mark.parametrize(
    "answer",
    [
        {}, {"result": None}, {"result": []}, {"result": {}}, {"result": without("state")}, {"result": without("since")},
        {"result": listing(state=None)}, {"result": listing(state=3)}, {"result": listing(age_seconds="3")},
        {"result": listing(age_seconds=True)}, {"result": listing(total=1.2)}, {"result": listing(total="much")},
        {"result": listing(since="yesterday")}, {"result": listing(since=5)}, {"result": {**listing(), "invoices": "none"}},
        {"result": {**listing(), "invoices": {}}}, {"error": "no"}, {"error": {"type": "OperatorError"}},
        {"error": {"type": None, "message": "no"}},
    ],
)  # fmt: skip
def test_an_answer_of_another_version_is_a_sentence(answer: Mapping[str, Any]) -> None:
    with pytest.raises(
        OperatorError, match=re.escape(f"another version than this command, which is facteur {__version__}: use")
    ):
        answered(list_invoices, answer)


@pytest.mark.parametrize(
    "name", [name for name, each in vars(errors).items() if inspect.isclass(each) and issubclass(each, FacteurError)]
)
def test_an_error_keeps_its_class_and_its_sentence(name: str) -> None:
    with pytest.raises(FacteurError) as raised:
        answered(status, {"error": {"type": name, "message": "It is so: 1 % of {them}."}})

    assert refusal(raised.value) == {"error": {"type": name, "message": "It is so: 1 % of {them}."}}


@pytest.mark.parametrize("name", ["SecretUnreadableError", "Problem", "dataclass", "", "__name__"])
def test_an_error_that_nobody_knows_is_an_operators(name: str) -> None:
    with pytest.raises(OperatorError, match="it is so"):
        answered(status, {"error": {"type": name, "message": "it is so"}})


def test_every_answer_is_a_value_and_no_dictionary() -> None:
    hints = {name: get_type_hints(operation)["return"] for name, operation in OPERATIONS.items()}

    assert {name for name, kind in hints.items() if not is_dataclass(kind)} == {"lower_submit_from"}
    assert hints["retry"] is Done


@pytest.fixture
def stack() -> Iterator[tuple[str, dict[str, Any]]]:
    """A stack that answers whatever is put into `said`, by Lambda's own interface."""
    said: dict[str, Any] = {}

    class Lambda(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.dumps(said).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Lambda) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", said
        server.shutdown()


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        ({"result": {"accounts": []}}, "OperatorError", f"which is facteur {__version__}"),
        ({"error": {"type": "ConfigurationError", "message": "not set: X"}}, "ConfigurationError", "not set: X"),
    ],
)
def test_what_a_stack_cannot_do_is_a_sentence_and_its_class_in_json(
    stack: tuple[str, dict[str, Any]], answer: dict[str, Any], kind: str, message: str
) -> None:
    url, said = stack
    said |= answer
    forget_clients()
    environ = {
        "AWS_ENDPOINT_URL": url,
        "AWS_DEFAULT_REGION": "eu-west-3",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
    }

    shown = CliRunner().invoke(app, ["status", "--stack", "named"], env=environ)
    printed = CliRunner().invoke(app, ["status", "--stack", "named", "--json"], env=environ)

    assert (shown.exit_code, printed.exit_code) == (2, 2)
    assert shown.stderr.startswith("facteur: ")
    assert message in shown.stderr
    assert shown.stderr.count("\n") == 1
    assert json.loads(printed.stdout)["error"]["type"] == kind
