"""Whose an error is that stands where Iopole's answers do."""

from __future__ import annotations

from typing import Any

SEEN_ERROR_FIELDS = frozenset({"statusMessage", "details", "code"})  # in every error of Iopole's API that was published


def in_its_own_words(body: Any) -> bool:
    """Whether an error is certainly Iopole's own, and not of something between it and us.

    `{}`, `{"message": …}` and `{"error": …}` are what API gateways, firewalls and login adapters write; a field that none of
    Iopole's errors was seen with makes it anybody's, too.
    """
    if not isinstance(body, dict) or not SEEN_ERROR_FIELDS.issuperset(body):
        return False
    details = body.get("details")
    first = details[0] if isinstance(details, list) and details else details
    issue = first if isinstance(first, dict) else {}
    return _spoken(body.get("statusMessage")) or (_spoken(issue.get("code")) and _spoken(issue.get("message")))


def _spoken(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
