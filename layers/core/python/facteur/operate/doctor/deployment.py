"""Checks of the stack's own resources."""

from __future__ import annotations

from facteur.domain.words import counted
from facteur.errors import OperatorError
from facteur.operate.doctor.diagnosis import Verdict, failed, ok, skipped, warning
from facteur.operate.doctor.examination import Examination

SCHEDULED = ("relay-submissions", "poll-statuses")
ELSEWHERE = skipped("the stack's name is not known here", "ask the deployed stack with --stack NAME")


def queue(exam: Examination) -> Verdict:
    """Whether the queue and its dead-letter queue are there, and nothing is dead."""
    if exam.dead_letters is None:
        return skipped("SUBMISSIONS_QUEUE_URL is not set here", "ask the deployed stack with --stack NAME")
    dead = exam.dead_letters.count()
    return (
        warning(counted("# dead [letter|letters]", dead), 'facteur redrive --why "…"')
        if dead
        else ok("there, with an empty dead-letter queue")
    )


def schedules(exam: Examination) -> Verdict:
    """Whether relay and poll are called every minute."""
    if exam.deployment is None:
        return ELSEWHERE
    try:
        states = {name: exam.deployment.schedule_state(name) or "missing" for name in SCHEDULED}
    except OperatorError as error:
        return skipped(f"not checked: {error}")
    wrong = [f"{name} is {state}" for name, state in states.items() if state != "ENABLED"]
    return failed(", ".join(wrong), "enable it in EventBridge Scheduler, or deploy again") if wrong else ok("enabled")


def alarms(exam: Examination) -> Verdict:
    """Whether anybody hears of an alarm."""
    if exam.deployment is None:
        return ok("none: only a deployed stack has alarms")
    if exam.settings.alarm_topic_arn:
        return ok("a topic hears of them")
    if not exam.settings.deposits_enabled:
        return ok("nobody hears of them, and deposits are off")
    return warning("deposits are on and AlarmTopicArn is empty: nobody hears of an alarm", "deploy with AlarmTopicArn")


def messages(exam: Examination) -> Verdict:
    """Whether the queue's messages reach submit_invoices."""
    if exam.deployment is None:
        return ELSEWHERE
    try:
        states = exam.deployment.mapping_states("submit-invoices")
    except OperatorError as error:
        return skipped(f"not checked: {error}")
    if any(state in {"Enabled", "Enabling", "Updating"} for state in states):
        return ok("the event source mapping is enabled")
    words = ", ".join(states) or "missing"
    return failed(f"the event source mapping of submit-invoices is {words}", "enable it in Lambda, or deploy again")
