"""The harness's own instruments: a lost answer of Postgres, an alarm that rings, the platform's lies by name."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import psycopg2
import pytest
from botocore.exceptions import ClientError

from local.simulator.core.faults import fault_named
from local.simulator.core.settings import Settings, changed, listed
from local.torture import hostile
from local.torture.afnor import hostile as of_afnor
from local.torture.afnor.flows import always_misnamed, unknown_in
from local.torture.alone import CONCERNS, Stay, unheard
from local.torture.chance import random_schedule
from local.torture.endings import never_arrived
from local.torture.lane import RESEND_AFTER_SECONDS
from local.torture.points import IN_A_BODY
from local.torture.refusing import refusing_proxy
from local.torture.schedule import HUGE, KINDS, LARGE
from local.torture.severed import severing_proxy
from local.torture.silence import counted, ringing
from local.torture.superpdp import hostile as of_superpdp
from local.torture.verdict import left_to_a_person
from local.torture.wires import WIRES
from local.world.aws import aws_emulator
from local.world.postgres import PostgresServer

MINUTE = 60.0
LAST = 28_000_000 * MINUTE
SMALL = 8_000  # bytes of a usual document


def emitted(metric: str, value: float, at: float, *more: str, **named: str) -> str:
    dimensions = [["service", *more, *named]]
    metrics = [{"Namespace": "Facteur", "Dimensions": dimensions, "Metrics": [{"Name": metric, "Unit": "Seconds"}]}]
    return json.dumps({"_aws": {"Timestamp": int(at * 1000), "CloudWatchMetrics": metrics}, metric: [value], **named})


def test_an_answer_is_lost_after_its_statement_was_carried_out(server: PostgresServer, empty_url: str) -> None:
    with severing_proxy(server.port) as severed:
        url = empty_url.replace(f":{server.port}", f":{severed.port}")
        connection = psycopg2.connect(url)
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("create table kept (n integer)")
        severed.lose(2)

        cursor.execute("insert into kept values (1)")
        with pytest.raises(psycopg2.OperationalError):
            cursor.execute("insert into kept values (2)")
        connection.close()

        again = psycopg2.connect(url)
        second = again.cursor()
        second.execute("select array_agg(n order by n) from kept")
        assert second.fetchone() == ([1, 2],)
        again.close()


def test_an_alarm_is_heard_in_the_time_that_is_listened_to() -> None:
    lines = ["no metric", *(emitted("OldestDoubtSeconds", 4000, LAST - rank * MINUTE) for rank in range(12))]

    assert "OldestDoubtAlarm" in ringing(counted(lines), LAST - 12 * MINUTE, LAST)
    assert ringing(counted(lines), LAST - 120 * MINUTE, LAST - 60 * MINUTE) == set()


def test_what_nobody_emits_is_not_heard() -> None:
    lines = [emitted("OldestDoubtSeconds", 10, LAST), emitted("FailedInvoices", 0, LAST), '{"_aws": cut off']

    assert ringing(counted(lines), LAST - 30 * MINUTE, LAST) == set()


def test_what_is_counted_by_reason_or_platform_as_well_is_heard_once() -> None:
    lines = [emitted("Rejections", 15, LAST), emitted("Deposits", 5, LAST)]
    lines += [emitted("Rejections", 15, 0, reason="213"), emitted("Rejections", 15, LAST, "provider")]

    of_one = {"Rejections": [(LAST, 15.0)], "Deposits": [(LAST, 5.0)]}
    assert counted(lines) == {**of_one, "Rejections/213": [(LAST, 15.0)]}


def test_an_alarm_of_one_reason_is_heard_at_the_time_of_what_was_counted_before_it() -> None:
    lines = []
    for rank in range(12):
        lines += [
            emitted("OldestOverdueSeconds", 0, LAST - rank * MINUTE),
            emitted("OldestWaitingSeconds", 4000, 0, reason="put_off"),
        ]

    assert ringing(counted(lines), LAST - 12 * MINUTE, LAST) == {"PutOffAlarm"}


@pytest.mark.parametrize(
    ("place", "counted_now", "shown"),
    [
        ("in_doubt", {"OldestDoubtSeconds": [3601.0], "OldestWaitingSeconds/in_doubt": [3601.0]}, True),
        ("in_doubt", {"OldestDoubtSeconds": [3599.0], "OldestWaitingSeconds/in_doubt": [3601.0]}, False),
        ("in_doubt", {"OldestDoubtSeconds": [3601.0]}, False),  # the alarm rings, and `facteur status` does not say why
        ("pending", {"OldestWaitingSeconds/put_off": [3601.0]}, True),
        ("pending", {"OldestWaitingSeconds/put_off": [3599.0]}, False),
        ("pending", {"OldestWaitingSeconds/platform_down": [9999.0], "BreakersOpen": [0.0]}, False),
        ("pending", {"OldestUndepositedDays": [99.0], "FailedInvoices": [1.0]}, False),  # others' alarms
        ("failed", {"FailedInvoices": [1.0]}, True),
        ("failed", {"FailedInvoices": [0.0]}, False),
        ("lacking", {"OldestWaitingSeconds/not_ready": [172_801.0]}, True),
    ],
)
def test_an_invoice_must_be_shown_by_its_own_alarms_and_by_what_waits(
    place: str, counted_now: dict[str, list[float]], shown: bool
) -> None:
    assert (not list(unheard(Stay(place, "7", 7), counted_now, 1))) == shown
    assert list(unheard(Stay(place, "7", 7), counted_now, 0))  # facteur.health does not count it


@pytest.mark.parametrize(
    ("place", "limit"),
    [
        ("pending", 3_600),
        ("in_doubt", 3_600),
        ("sending", 1_800),
        ("unheard", 86_400),
        ("unread", 21_600),
        ("lacking", 259_200),
    ],
)
def test_an_invoice_may_wait_unheard_for_as_long_as_the_templates_alarms_allow(place: str, limit: float) -> None:
    assert CONCERNS[place].limit == limit


@pytest.mark.parametrize(
    "faults",
    [
        *hostile.BY_ENDPOINT.values(), hostile.DURING_OUTAGE, hostile.DURING_LIES, *of_superpdp.BY_ENDPOINT.values(),
        of_superpdp.DURING_LIES, *of_afnor.BY_ENDPOINT.values(), of_afnor.DURING_LIES,
    ],
)  # fmt: skip
def test_every_hostile_answer_is_one_that_the_simulator_knows(faults: tuple[str, ...]) -> None:
    assert [fault_named(each).name for each in faults]


@pytest.mark.parametrize("platform", WIRES)
def test_every_random_schedule_can_be_carried_out(platform: str) -> None:
    for seed in range(300):
        schedule = random_schedule(seed, platform=platform)

        for part in (schedule, *schedule.parts.values()):
            known = set() if part.parts else {each.name for each in listed(part.platform)}
            changed(Settings(), part.switches)
            assert part.switches.keys() <= known
            assert part.rates.keys() <= WIRES[part.platform].hostility.by_endpoint.keys()
        assert {order.kind for order in schedule.orders} <= set(KINDS)
        accounts = {order.account for order in schedule.orders}
        witnesses = {order.account for order in schedule.orders if order.kind == "good" and not order.faults}
        assert accounts == witnesses


@pytest.mark.parametrize("each", ["feed.ambiguous", "feed.duplicate"])
def test_a_status_that_the_journal_attributes_to_nobody_is_missed_where_one_deposit_bears_its_name(each: str) -> None:
    """Only where several do, nobody can know whose it is."""
    deposit = {"account": "a", "number": "F-1", "seller": "130000001"}
    name, flow = tuple(deposit.values()), {"flowId": "7", "updatedAt": "2026-10-12T08:00:00Z"}
    output = f'no journal\n{{"message": "{each}", "status_id": "7"}}\n{{"message": "{each}", cut off'

    assert not unknown_in(output, Counter({name: 1})).excuses(flow, deposit)
    assert unknown_in(output, Counter({name: 2})).excuses(flow, deposit)
    assert not unknown_in(output, Counter({name: 2})).excuses({**flow, "flowId": "8"}, deposit)


@pytest.mark.parametrize(
    ("status", "state", "code", "left"),
    [
        (404, "failed", "conflicting_deposit", {7}),
        (403, "failed", "conflicting_deposit", {7}),
        (200, "failed", "conflicting_deposit", set()),
        (499, "failed", "conflicting_deposit", set()),  # asked for again
        (503, "failed", "conflicting_deposit", set()),
        (404, "failed", "given_up", set()),
        (404, "rejected", "conflicting_deposit", set()),
    ],
)
def test_only_a_copy_that_was_refused_leaves_an_invoice_to_a_person(
    status: int, state: str, code: str, left: set[int]
) -> None:
    row = SimpleNamespace(
        id=7, state=state, last_error_code=code, last_error_message="Compare it with deposit 7310004 at"
    )
    asked = [
        {"path": f"/v1.beta/invoices/{id_}/download", "status": said} for id_, said in ((7310004, status), (73, 404))
    ]

    assert left_to_a_person([row], asked) == left


@pytest.mark.parametrize(
    ("faults", "excused"),
    [
        (["cdar_twists=other_seller"], set()),
        (["cdar_twists=other_seller", "stall+cdar_twists=unknown_invoice"], {"7"}),
        (["cdar_twists=no_number", None], set()),
        (["cdar_twists=no_date", "cdar_twists=no_date"], set()),
        ([], set()),
    ],
)
def test_a_message_that_named_another_invoice_is_excused_where_it_was_asked_for_again_and_still_did(
    faults: list[str | None], excused: set[str]
) -> None:
    """Seed 21 of `make torture PLATFORM=afnor`."""
    calls = [{"path": "/flow-service/v1/flows/7", "fault": fault} for fault in faults]

    assert always_misnamed([*calls, {"path": "/flow-service/v1/flows/8", "fault": None}]) == excused


@pytest.mark.parametrize(
    ("ignored", "code", "stored", "excused"),
    [
        ("trackingId", "search_not_credible", [], True),
        ("trackingId", "search_too_wide", [], True),
        ("trackingId", "search_not_credible", [{"id": "7", "verdict": "accepted"}], False),
        ("trackingId", "given_up", [], False),
        ("flowType", "search_not_credible", [], False),
    ],
)
def test_only_what_never_arrived_is_a_persons_where_a_search_takes_no_notice_of_keys(
    ignored: str, code: str, stored: list[dict[str, str]], excused: bool
) -> None:
    schedule = replace(random_schedule(1, platform="afnor"), switches={"search_ignores": (ignored,)})

    assert never_arrived(SimpleNamespace(last_error_code=code), stored, schedule) is excused


def test_no_invoice_of_a_mixed_run_is_alone_at_its_platform() -> None:
    """Each account has one that nothing happens to, and each platform its own faults."""
    schedule = random_schedule(4711, platform="mixed")

    assert list(schedule.parts) == ["iopole", "superpdp", "afnor"]
    assert [{order.account for order in part.orders} for part in schedule.parts.values()] == [
        {"default"}, {"second"}, {"third"},
    ]  # fmt: skip
    assert {each.platform for each in schedule.happenings} <= {"", *schedule.parts}


@pytest.mark.slow
def test_a_service_of_aws_refuses_what_the_workers_ask_for_and_nothing_else() -> None:
    with aws_emulator() as emulator, refusing_proxy(str(emulator.aws.endpoint_url)) as refusing:
        s3 = emulator.aws.session.client("s3", endpoint_url=refusing.url)
        sqs = emulator.aws.session.client("sqs", endpoint_url=refusing.url)
        s3.create_bucket(Bucket="kept", CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
        s3.put_object(Bucket="kept", Key="a", Body=b"content")
        url = sqs.create_queue(QueueName="kept")["QueueUrl"]
        refusing.refuse("s3", "AccessDenied")
        refusing.refuse("sqs", "KmsDisabled")

        with pytest.raises(ClientError, match="AccessDenied"):
            s3.get_object(Bucket="kept", Key="a")
        with pytest.raises(ClientError, match="KmsDisabled"):
            sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": "1", "MessageBody": "b"}])
        assert "Messages" not in sqs.receive_message(QueueUrl=url)

        refusing.end()
        assert s3.get_object(Bucket="kept", Key="a")["Body"].read() == b"content"


@pytest.mark.parametrize("platform", ["iopole", "superpdp", "afnor"])
def test_some_documents_are_large_and_show_late_but_before_they_would_be_sent_again(platform: str) -> None:
    schedules = [random_schedule(seed, platform=platform) for seed in range(300)]
    late = [each for each in schedules if each.switches["search_lag_per_kb"] and any(o.size for o in each.orders)]

    assert {order.size for each in schedules for order in each.orders} == {0, LARGE, HUGE}
    assert late
    for each in late:
        seconds = [each.switches["search_lag_per_kb"] * (order.size or SMALL) / 1000 for order in each.orders]
        assert min(seconds) < 10 < max(seconds) < RESEND_AFTER_SECONDS - each.switches["search_lag"]


def test_a_twin_has_the_very_document_of_the_one_before() -> None:
    for seed in range(300):
        orders = random_schedule(seed).orders
        for before, twin in pairwise(orders):
            assert twin.kind != "twin" or twin.size == before.size


def test_a_worker_is_struck_between_two_blocks_where_a_document_has_several() -> None:
    schedules = [random_schedule(seed) for seed in range(100)]
    struck = [each for each in schedules if any(strike.point == IN_A_BODY for strike in each.interrupts)]

    assert struck
    assert all(any(order.size for order in each.orders) for each in struck)
