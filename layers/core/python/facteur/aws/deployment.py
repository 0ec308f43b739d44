"""What a deployed stack consists of, as AWS shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from facteur.errors import OperatorError

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_scheduler import EventBridgeSchedulerClient

MISSING = "ResourceNotFoundException"


class DeployedStack:
    """Its own resources. Every method raises OperatorError."""

    def __init__(
        self, stack: str, scheduler: Callable[[], EventBridgeSchedulerClient], functions: Callable[[], LambdaClient]
    ) -> None:
        self._stack, self._scheduler, self._functions = stack, scheduler, functions

    def schedule_state(self, function: str) -> str | None:
        """ENABLED, DISABLED, or None where there is none."""
        try:
            with _errors_of("EventBridge Scheduler", "scheduler:GetSchedule"):
                return self._scheduler().get_schedule(Name=f"{self._stack}-{function}")["State"]
        except _MissingError:
            return None

    def mapping_states(self, function: str) -> Sequence[str]:
        """The states of what hands the function its messages."""
        try:
            with _errors_of("Lambda", "lambda:ListEventSourceMappings"):
                name = f"{self._stack}-{function}"
                found = self._functions().list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
        except _MissingError:
            return ()
        return [each["State"] for each in found]


class _MissingError(Exception):
    """AWS has no such resource."""


@contextmanager
def _errors_of(service: str, right: str) -> Iterator[None]:
    try:
        yield
    except ClientError as exc:
        code = exc.response.get("Error", {}).get("Code")
        if code == MISSING:
            raise _MissingError from None
        raise OperatorError(f"{service} refused ({code}): does the role have {right}?") from None
    except BotoCoreError as exc:
        raise OperatorError(
            f"{service} could not be asked ({type(exc).__name__}): a private network needs an endpoint or NAT for it"
        ) from None
