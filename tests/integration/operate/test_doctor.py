"""facteur doctor: each thing that can be wrong is produced for real, and named with what to do."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from local.invoices import sample_invoice
from local.world.levers import World, platform_secret
from tests.operator import Operator
from tests.raw_server import closed_port

SELLER = sample_invoice(1).seller.siren


@pytest.fixture
def settings() -> dict[str, str]:
    return {"STATUS_SOURCE": "pull"}


@pytest.fixture
def sound(world: World) -> World:
    """A world in which all is well: one deposit, both functions have run, its seller is registered."""
    world.simulator.add_company(SELLER)
    with_dead_letters(world)
    world.add(1)
    world.deposit()
    world.poll()
    return world


def test_a_sound_installation_passes_every_check(sound: World, operator: Operator) -> None:
    result = operator.run("doctor")

    assert result.code == 0, result.out
    findings = found(operator)
    assert {name: each["outcome"] for name, each in findings.items() if each["outcome"] != "ok"} == {
        "schedules": "skipped",
        "messages": "skipped",
    }


def test_the_doctor_changes_nothing_but_the_budget(sound: World, operator: Operator) -> None:
    before = contents(sound)

    operator.run("doctor")

    assert contents(sound) == before
    assert {call["endpoint"] for call in sound.simulator.calls()} <= {
        "token", "deposit", "not_seen", "mark_as_seen", "history", "search", "webhooks", "directory",
    }  # fmt: skip
    assert len(sound.simulator.calls("deposit")) == 1


def test_each_call_takes_a_permit_and_without_one_nothing_is_asked(sound: World, operator: Operator) -> None:
    sound.database.rows(
        "update facteur.budgets set tokens = -100000, refilled_at = facteur.now() where key = 'address'"
    )

    findings = found(operator)

    assert findings["access"]["outcome"] == "skipped"
    assert findings["sellers"]["what"] == "needs access"
    assert sound.simulator.calls("webhooks") == []


def test_a_secret_that_is_malformed_is_reported_without_its_content(sound: World, operator: Operator) -> None:
    sound.put_secret("default", {"client_id": "demo", "client_secret": 7777, "customer_id": "x"})

    findings = found(operator)

    assert findings["secret"]["outcome"] == "failed"
    assert "missing or wrong client_secret" in findings["secret"]["what"]
    assert findings["environment"]["what"] == "needs secret"
    assert findings["sellers"]["outcome"] == "skipped"


def test_a_secret_of_another_client_does_not_match_the_pin(sound: World, operator: Operator) -> None:
    sound.put_secret("default", platform_secret(sound.simulator) | {"client_id": "another@facteur.example"})

    finding = found(operator)["environment"]

    assert finding["outcome"] == "failed"
    assert "pinned to another platform or client" in finding["what"]
    assert "facteur repin" in finding["help"]


def test_credentials_that_the_platform_refuses_are_reported(sound: World, operator: Operator) -> None:
    sound.simulator.rotate_secret("something-else")

    finding = found(operator)["token"]

    assert finding["outcome"] == "failed"
    assert "no token for the credentials in secret " in finding["what"]


def test_a_customer_id_that_the_platform_refuses_is_reported(sound: World, operator: Operator) -> None:
    sound.put_secret("default", platform_secret(sound.simulator) | {"customer_id": "not-mine"})

    finding = found(operator)["access"]

    assert finding["outcome"] == "failed"
    assert "HTTP 403" in finding["what"]
    assert "customer_id" in finding["help"]


def test_a_platform_that_does_not_answer_is_reported(sound: World, operator: Operator) -> None:
    sound.simulator.outage(60, "503", ["search"])

    finding = found(operator)["access"]

    assert finding["outcome"] == "failed"
    assert "HTTP 503" in finding["what"]


def test_a_paused_account_is_examined_all_the_same_and_the_pause_is_reported(sound: World, operator: Operator) -> None:
    sound.database.rows("select facteur.pause('account:default', 3600, 'account_refused')")

    findings = found(operator)

    assert findings["access"]["outcome"] == "ok"
    assert findings["pause"]["outcome"] == "warning"
    assert "facteur resume default" in findings["pause"]["help"]


def test_a_persons_pause_is_reported_with_who_and_why(sound: World, operator: Operator) -> None:
    sound.database.rows(
        "update facteur.budgets set hold_until = 'infinity', hold_by = 'anna', hold_why = 'restored'"
        " where key = 'account:default'"
    )

    findings = found(operator)

    assert findings["access"]["outcome"] == "ok"
    assert "paused by anna: restored" in findings["pause"]["what"]


def test_an_account_that_was_asked_to_slow_down_is_left_alone(sound: World, operator: Operator) -> None:
    sound.database.rows("select facteur.pause('account:default', 3600, 'too_many_requests')")
    searches = len(sound.simulator.calls("search"))

    finding = found(operator)["access"]

    assert finding["outcome"] == "skipped"
    assert len(sound.simulator.calls("search")) == searches


def test_an_active_webhook_takes_away_what_is_pulled(sound: World, operator: Operator) -> None:
    sound.simulator.add_account(**platform_secret(sound.simulator), mode="PUSH")

    finding = found(operator)["mode"]

    assert finding["outcome"] == "failed"
    assert "PUSH: 1 active webhook" in finding["what"]


def test_an_account_that_may_not_see_webhooks_is_not_guessed_at(sound: World, operator: Operator) -> None:
    sound.simulator.script_endpoint("webhooks", [403])

    finding = found(operator)["mode"]

    assert (finding["outcome"], finding["what"]) == ("skipped", "not checked: this account may not see webhooks")


@pytest.mark.parametrize(("sandbox", "outcome"), [(True, "warning"), (None, "failed")])
def test_a_seller_that_nobody_reaches_is_reported(
    sound: World, operator: Operator, sandbox: bool | None, outcome: str
) -> None:
    sound.simulator.add_company(SELLER, behaviour="404")
    sound.put_secret("default", platform_secret(sound.simulator) | {"sandbox": sandbox})

    finding = found(operator)["sellers"]

    assert finding["outcome"] == outcome
    assert SELLER in finding["what"]


def test_a_directory_that_does_not_answer_is_not_guessed_at(sound: World, operator: Operator) -> None:
    sound.simulator.script_endpoint("directory", [404])

    finding = found(operator)["sellers"]

    assert finding["outcome"] == "skipped"
    assert "not checked" in finding["what"]


def test_a_clock_that_is_ahead_is_reported(sound: World, operator: Operator) -> None:
    sound.database.rows(
        "create or replace function facteur.now() returns timestamptz language sql stable parallel safe "
        "as 'select pg_catalog.now() + interval ''200 seconds'''"
    )

    findings = found(operator)

    assert findings["clock"]["outcome"] == "warning"
    assert "ahead of this machine's" in findings["clock"]["what"]
    assert findings["access"]["outcome"] == "ok"


def test_a_disabled_trigger_is_reported_with_the_statement_that_corrects_it(sound: World, operator: Operator) -> None:
    sound.database.rows("alter table invoicing.invoices disable trigger user")

    finding = found(operator)["installation"]
    sound.database.rows(finding["help"].partition(";")[0])

    assert finding["outcome"] == "failed"
    assert "invoicing.invoices" in finding["what"]
    assert found(operator)["installation"]["outcome"] == "ok"


def test_a_partition_that_was_attached_is_reported_with_the_statement_that_corrects_it(
    sound: World, operator: Operator
) -> None:
    sound.database.rows('create table invoicing."Lines" (id bigint, "Invoice Key" bigint) partition by range (id)')
    sound.database.rows('create table invoicing.lines_1 partition of invoicing."Lines" for values from (1) to (2)')
    sound.database.rows("select facteur.watch('invoicing.\"Lines\"', 'Invoice Key')")
    sound.database.rows('create table invoicing.lines_2 (id bigint, "Invoice Key" bigint)')
    sound.database.rows('alter table invoicing."Lines" attach partition invoicing.lines_2 for values from (2) to (3)')

    finding = found(operator)["installation"]
    sound.database.rows(finding["help"].partition(";")[0])

    assert "invoicing.lines_2" in finding["what"]
    assert "lines_1" not in finding["what"]
    assert found(operator)["installation"]["outcome"] == "ok"


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ("id as invoice_id, false as ready, invoice_number, document_uri", "the view lacks seller_siren"),
        ("id as invoice_id, false as ready, invoice_number, seller_siren", "lacks document_uri or document"),
        ("id as invoice_id, 'f' as ready, invoice_number, seller_siren, document_uri", "ready is text"),
    ],
)
def test_a_mapping_that_cannot_work_is_reported(sound: World, operator: Operator, columns: str, words: str) -> None:
    sound.database.rows("drop view facteur.invoice_source")
    sound.database.rows(f"create view facteur.invoice_source as select {columns} from invoicing.invoices")

    findings = found(operator)

    assert findings["mapping"]["outcome"] == "failed"
    assert words in findings["mapping"]["what"]
    assert findings["keys"]["what"] == "needs mapping"


def test_a_view_that_raises_and_one_that_repeats_a_key_are_reported(sound: World, operator: Operator) -> None:
    view = "id as invoice_id, {} as ready, invoice_number, seller_siren, document_uri from invoicing.invoices {}"
    sound.database.rows("drop view facteur.invoice_source")
    sound.database.rows(f"create view facteur.invoice_source as select {view.format('1 / (id - id) = 1', '')}")
    raised = found(operator)["ready rows"]
    sound.database.rows("drop view facteur.invoice_source")
    joined = view.format("false", "cross join generate_series(1, 2)")
    sound.database.rows(f"create view facteur.invoice_source as select {joined}")

    repeated = found(operator)["keys"]

    assert (raised["outcome"], repeated["outcome"]) == ("failed", "failed")
    assert "22012" in raised["what"]
    assert f"more than once: {sound.ids[1]}" in repeated["what"]


def test_ready_rows_that_lack_what_a_deposit_needs_are_named(sound: World, operator: Operator) -> None:
    sound.add(2, siren="12", number=None, issue_date="2026-10-01")

    finding = found(operator)["ready rows"]

    assert finding["outcome"] == "warning"
    assert f"without invoice_number: {sound.ids[2]}" in finding["what"]
    assert f"nine digits: {sound.ids[2]}" in finding["what"]


def test_rows_that_became_ready_past_the_triggers_are_counted_and_left_alone(sound: World, operator: Operator) -> None:
    sound.database.rows("alter table invoicing.invoices disable trigger user")
    sound.add(2)

    finding = found(operator)["forgotten rows"]

    assert "1 row is ready" in finding["what"]
    assert found(operator)["forgotten rows"] == finding


def test_a_missing_migration_stops_what_depends_on_it(sound: World, operator: Operator) -> None:
    sound.database.rows("delete from facteur.migrations where number = 1")

    findings = found(operator)

    assert "missing: 1" in findings["migrations"]["what"]
    assert findings["installation"]["what"] == "needs migrations"
    assert findings["accounts"]["what"] == "needs migrations"
    assert findings["queue"]["outcome"] == "ok"


def test_a_database_that_does_not_answer_stops_nearly_everything(world: World) -> None:
    result = Operator(f"postgresql://nobody@127.0.0.1:{closed_port()}/none").run("doctor", "--json")

    findings = {each["check"]: each for each in json.loads(result.out)["findings"]}
    assert result.code == 1
    assert findings["database"]["outcome"] == "failed"
    assert findings["installation"]["what"] == "needs migrations"


def test_a_role_without_rights_hears_what_it_lacks(sound: World, operator: Operator) -> None:
    sound.database.rows("drop role if exists poor; create role poor login")
    sound.database.rows("grant usage on schema facteur to poor; grant select on facteur.installation to poor")
    poor = Operator(operator.url.replace("facteur_worker@", "poor@"))

    finding = found(poor)["database"]

    sound.database.rows("drop owned by poor; drop role poor")
    assert finding["outcome"] == "failed"
    assert "insert on facteur.submissions" in finding["what"]


def test_a_queue_that_is_gone_is_reported(sound: World, operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUBMISSIONS_QUEUE_URL", sound.queue_url + "-gone")
    sound.new_container()

    finding = found(operator)["queue"]

    assert finding["outcome"] == "failed"
    assert "SQS refused" in finding["what"]


def test_functions_that_do_not_run_are_reported(sound: World, operator: Operator) -> None:
    sound.database.rows("update facteur.installation set poll_began_at = poll_began_at - interval '1 hour'")

    finding = found(operator)["last runs"]

    assert finding["outcome"] == "failed"
    assert "poll_statuses" in finding["what"]


def test_no_finding_shows_a_secret(sound: World, operator: Operator) -> None:
    secret = platform_secret(sound.simulator)
    result = operator.run("doctor").out
    sound.simulator.rotate_secret("s3cr3t-of-tomorrow")
    sound.put_secret("default", secret | {"client_secret": "s3cr3t-of-yesterday"})
    result += operator.run("doctor").out
    sound.put_secret("default", "s3cr3t that is no JSON")
    result += operator.run("doctor").out

    assert "secret" in result
    for word in (secret["client_secret"], secret["customer_id"], "s3cr3t", "Bearer"):
        assert word not in result, word


def found(operator: Operator) -> dict[str, Any]:
    return {each["check"]: each for each in operator.ask("doctor")["findings"]}


def with_dead_letters(world: World) -> None:
    """Give the world's queue a dead-letter queue, as the template does."""
    sqs = boto3.client("sqs")
    dead = sqs.create_queue(QueueName=f"{world.prefix}-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})
    sqs.set_queue_attributes(QueueUrl=world.queue_url, Attributes={"RedrivePolicy": policy})


def contents(world: World) -> list[Any]:
    tables = ("submissions", "attempts", "status_events", "changes", "installation", "unmatched_statuses", "sweeps")
    return [world.database.rows(f"select * from facteur.{table} order by 1") for table in tables]
