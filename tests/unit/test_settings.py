"""The environment becomes settings, or one error that names everything wrong with it."""

from __future__ import annotations

from dataclasses import fields

import pytest

from facteur.errors import ConfigurationError
from facteur.settings import Settings

NAMES = [each.name.upper() for each in fields(Settings) if each.metadata]


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Settings.from_environ({}) == Settings()


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_value_counts_as_not_set(name: str) -> None:
    assert Settings.from_environ({name: "  "}) == Settings()


def test_values_are_typed_and_trimmed() -> None:
    settings = Settings.from_environ(
        {
            "IOPOLE_BASE_URL": " https://api.ppd.iopole.fr/ ", "MAX_IN_FLIGHT": "4", "READ_TIMEOUT_SECONDS": "2.5",
            "DEPOSITS_ENABLED": "False", "SUBMIT_FROM": " 2026-09-01", "AWS_LAMBDA_FUNCTION_NAME": "facteur-submit",
        }
    )  # fmt: skip

    assert settings.iopole_base_url == "https://api.ppd.iopole.fr"
    assert (settings.max_in_flight, settings.read_timeout_seconds) == (4, 2.5)
    assert isinstance(settings.max_in_flight, int)
    assert (settings.deposits_enabled, settings.submit_from, settings.in_lambda) == (False, "2026-09-01", True)


WRONG = {
    "DOCUMENTS_BUCKET_OWNER": ("12", "must be an AWS account's twelve digits"),
    "PDP_PROVIDER": ("chorus", "must be iopole"),
    "STATUS_SOURCE": ("guess", "must be auto or sweep or pull or history"),
    "IOPOLE_BASE_URL": ("api.iopole.com", "must be a host without a path"),
    "IOPOLE_AUTH_URL": ("http://auth.iopole.com", "must be https"),
    "DEPOSITS_ENABLED": ("perhaps", "must be true or false"),
    "INSTALL_CAPTURE": ("2", "must be true or false"),
    "MAX_IN_FLIGHT": ("8.5", "must be a whole number between 1 and 64"),
    "REQUESTS_PER_MINUTE": ("0", "must be a number between 1 and 1e+06"),
    "HISTORY_REQUESTS_PER_MINUTE": ("-1", "must be a number between 0.1 and 1e+06"),
    "RESEND_AFTER_SECONDS": ("an hour", "must be a number between 0 and 1e+07"),
    "GIVE_UP_AFTER_SECONDS": ("nan", "must be a number between 1 and 1e+08"),
    "FOLLOW_UP_DAYS": ("inf", "must be a number between 0.001 and 4000"),
    "RELAY_WATCH_SECONDS": ("841", "must be a number between 0 and 840"),
    "CONNECT_TIMEOUT_SECONDS": ("0", "must be a number between 0.05 and 60"),
    "READ_TIMEOUT_SECONDS": ("301", "must be a number between 0.05 and 300"),
    "LEASE_SECONDS": ("1e9", "must be a number between 0.5 and 3600"),
    "SUBMIT_FROM": ("01/09/2026", "must be a date, YYYY-MM-DD"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_is_named_and_explained_and_not_quoted(name: str) -> None:
    value, explanation = WRONG[name]

    with pytest.raises(ConfigurationError) as raised:
        Settings.from_environ({name: value})

    assert str(raised.value).startswith(f"wrong settings: {name} {explanation}")
    assert len(value) < 4 or value not in str(raised.value)


def test_all_wrong_values_are_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as raised:
        Settings.from_environ({name: value for name, (value, _) in WRONG.items()})

    assert all(f"{name} {explanation}" in str(raised.value) for name, (_, explanation) in WRONG.items())


def test_every_setting_that_can_be_wrong_is_tested() -> None:
    words = {"PDP_SECRET_ID", "DATABASE_SECRET_ID", "MIGRATION_SECRET_ID", "WORKER_ROLE", "SUBMISSIONS_QUEUE_URL",
             "INVOICE_KINDS", "ALARM_TOPIC_ARN"}  # fmt: skip

    assert set(NAMES) == set(WRONG) | words


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://api.iopole.com", "https://api.iopole.com"),
        ("https://api.iopole.com/", "https://api.iopole.com"),
        ("https://api.iopole.com:8443", "https://api.iopole.com:8443"),
        ("HTTPS://api.iopole.com", "https://api.iopole.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://host.docker.internal:8080", "http://host.docker.internal:8080"),
    ],
)
def test_a_host_is_https_or_on_this_machine(given: str, kept: str) -> None:
    assert Settings.from_environ({"IOPOLE_BASE_URL": given}).iopole_base_url == kept


@pytest.mark.parametrize(
    "given",
    [
        "http://api.iopole.com", "http://127.0.0.1.example.org", "http://10.0.0.1", "ftp://127.0.0.1", "https://", "https:///v1",
        "https://api.iopole.com/v1/api", "https://api.iopole.com?a=b", "https://api.iopole.com#top", "https://api.iopole.com:port",
        "https://api.iopole.com:99999", "https://user:password@api.iopole.com", "https://[::1", "https://api .iopole.com", "iopole",
    ],
)  # fmt: skip
def test_anything_else_is_no_host(given: str) -> None:
    with pytest.raises(ConfigurationError, match="IOPOLE_AUTH_URL must be"):
        Settings.from_environ({"IOPOLE_AUTH_URL": given})


def test_what_a_use_case_needs_and_lacks_is_named_at_once() -> None:
    settings = Settings(iopole_base_url="https://api.example.org")

    assert settings.require("iopole_base_url") == ("https://api.example.org",)
    with pytest.raises(ConfigurationError, match="missing settings: IOPOLE_AUTH_URL, SUBMISSIONS_QUEUE_URL"):
        settings.require("iopole_base_url", "iopole_auth_url", "submissions_queue_url")


PRIVATE = {
    "172.17.0.1": True,
    "10.0.0.1": True,
    "[fd00::1]": True,
    "169.254.169.254": False,
    "8.8.8.8": False,
    "100.64.0.1": False,
    "db": False,
}


@pytest.mark.parametrize(("host", "allowed"), PRIVATE.items())
def test_only_a_container_of_sam_local_reaches_this_machine_by_a_private_address(host: str, allowed: bool) -> None:
    environ = {"IOPOLE_BASE_URL": f"http://{host}:8080"}

    if allowed:
        assert Settings.from_environ({**environ, "AWS_SAM_LOCAL": "true"}).iopole_base_url == f"http://{host}:8080"
    else:
        with pytest.raises(ConfigurationError, match="must be https"):
            Settings.from_environ({**environ, "AWS_SAM_LOCAL": "true"})
    for flag in ({}, {"AWS_SAM_LOCAL": "false"}):
        with pytest.raises(ConfigurationError, match="must be https"):
            Settings.from_environ({**environ, **flag})
