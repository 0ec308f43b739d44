"""Configuration from the environment: typed, and every wrong value named at once."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any

from facteur.errors import ConfigurationError
from facteur.platforms.hosts import platform_host
from facteur.platforms.port import Defaults
from facteur.platforms.registry import PROVIDERS

SOURCES = ("auto", "sweep", "pull", "history")
SAM_LOCAL = "AWS_SAM_LOCAL"  # `sam local` sets it in its containers, AWS never does


def _text(value: str) -> str:
    return value.strip()


def _boolean(value: str) -> bool:
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if value.strip().lower() not in known:
        raise ValueError("must be true or false")
    return known[value.strip().lower()]


def _number(low: float, high: float, kind: type[float] = float) -> Callable[[str], float]:
    expected = f"must be a {'whole ' if kind is int else ''}number between {low:g} and {high:g}"

    def convert(value: str) -> float:
        try:
            number = kind(value)
        except ValueError:
            raise ValueError(expected) from None
        if not low <= number <= high:
            raise ValueError(expected)
        return number

    return convert


def _date(value: str) -> str:
    try:
        return date.fromisoformat(value.strip()).isoformat()
    except ValueError:
        raise ValueError("must be a date, YYYY-MM-DD") from None


def _aws_account(value: str) -> str:
    if not re.fullmatch(r"[0-9]{12}", value.strip()):
        raise ValueError("must be an AWS account's twelve digits")
    return value.strip()


def _choice(*names: str) -> Callable[[str], str]:
    def convert(value: str) -> str:
        if value.strip() not in names:
            raise ValueError(f"must be {' or '.join(names)}")
        return value.strip()

    return convert


def _setting(convert: Callable[[str], Any], default: Any, about: str) -> Any:
    return field(default=default, metadata={"convert": convert, "about": about})


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set; each name in upper case is an environment variable and a parameter of the template.

    None means: not set. A use case that needs such a setting says so through `require`.
    """

    pdp_provider: str = _setting(_choice(*PROVIDERS), "iopole", "The platform")
    pdp_secret_id: str = _setting(
        _text, "facteur/default", "Secret of the default account; another's has its name as last part"
    )
    iopole_base_url: str | None = _setting(platform_host, None, "Host of the platform's API, without a path")
    iopole_auth_url: str | None = _setting(platform_host, None, "Host of the platform's token endpoint, without a path")
    database_secret_id: str | None = _setting(
        _text, None, "Secret with the database's address and password, in RDS's shape"
    )
    migration_secret_id: str | None = _setting(
        _text, None, "Secret of the role that owns the schema; not set: the database secret's does"
    )
    worker_role: str | None = _setting(
        _text, None, "Database role of all other functions; migrate_database grants it what they need"
    )
    documents_bucket_owner: str | None = _setting(
        _aws_account, None, "AWS account that owns the documents' bucket; not set: whoever does"
    )
    submissions_queue_url: str | None = _setting(_text, None, "URL of the SQS queue")
    alarm_topic_arn: str | None = _setting(_text, None, "Topic that hears of the stack's alarms; not set: nobody does")
    deposits_enabled: bool = _setting(_boolean, True, "false: show in facteur.health what would be sent, send nothing")
    status_source: str = _setting(
        _choice(*SOURCES),
        "auto",
        "Where statuses of deposits come from: auto (the best of each platform), sweep, pull, or history",
    )
    max_in_flight: int = _setting(_number(1, 64, int), 8, "Deposits under way at once in one function")
    requests_per_minute: float = _setting(
        _number(1, 1e6), 150.0, "Calls a minute to the platform, all functions together"
    )
    history_requests_per_minute: float = _setting(_number(0.1, 1e6), 10.0, "Calls a minute to status-history")
    resend_after_seconds: float = _setting(
        _number(0, 1e7), 3600.0, "How long a doubtful deposit is looked for before it is sent again"
    )
    give_up_after_seconds: float = _setting(
        _number(1, 1e8), 259200.0, "Waiting time, pauses left out, after which a person must look"
    )
    follow_up_days: float = _setting(_number(0.001, 4000), 400.0, "How long the life cycle of a deposit is followed")
    relay_watch_seconds: float = _setting(
        _number(0, 840), 110.0, "How long one relay run keeps looking; 0: once a minute"
    )
    connect_timeout_seconds: float = _setting(_number(0.05, 60), 5.0, "Time to connect to the platform")
    read_timeout_seconds: float = _setting(_number(0.05, 300), 30.0, "Time to wait for the platform's answer")
    lease_seconds: float = _setting(
        _number(0.5, 3600), 150.0, "How long a claim holds; longer than the function's timeout"
    )
    install_capture: bool = _setting(
        _boolean, False, "true: install the trigger on an invoice table that exists already"
    )
    submit_from: str | None = _setting(_date, None, "Issue date of the first invoice to deposit, YYYY-MM-DD")
    invoice_kinds: str | None = _setting(
        _text, None, "Kinds of documents that are invoices, such as standard,deposit, where that table names kinds"
    )
    in_lambda: bool = False

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read every setting; an empty value counts as not set.

        Raises:
            ConfigurationError: names all wrong values at once.
        """
        values: dict[str, Any] = {"in_lambda": "AWS_LAMBDA_FUNCTION_NAME" in environ}
        wrong: list[str] = []
        for name, convert in ((f.name, f.metadata.get("convert")) for f in fields(cls)):
            text = environ.get(name.upper(), "")
            if convert is None or not text.strip():
                continue
            if convert is platform_host:
                convert = functools.partial(platform_host, in_container=environ.get(SAM_LOCAL) == "true")
            try:
                values[name] = convert(text)
            except ValueError as exc:
                wrong.append(f"{name.upper()} {exc}")
        if wrong:
            raise ConfigurationError("wrong settings: " + "; ".join(wrong))
        return cls(**values)

    def for_platforms(self) -> Defaults:
        """What accounts share, whose secret does not say otherwise."""
        hosts = {
            each.name: getattr(self, each.name)
            for each in fields(self)
            if each.metadata.get("convert") is platform_host
        }
        return Defaults(
            self.pdp_provider, self.pdp_secret_id, hosts, self.connect_timeout_seconds, self.read_timeout_seconds, self.max_in_flight
        )  # fmt: skip

    def require(self, *names: str) -> tuple[str, ...]:
        """The values of settings that have no default, in the order asked.

        Raises:
            ConfigurationError: names all that are missing.
        """
        missing = [name.upper() for name in names if getattr(self, name) is None]
        if missing:
            raise ConfigurationError(f"missing settings: {', '.join(missing)}")
        return tuple(str(getattr(self, name)) for name in names)
