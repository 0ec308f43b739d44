"""The functions of a deployed stack, invoked with the caller's own IAM rights."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, NoRegionError

from facteur.errors import OperatorError

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


def identity(client: Callable[[], Any]) -> str | None:
    """The ARN of the caller's own credentials; None where AWS does not say."""
    try:
        return str(client().get_caller_identity()["Arn"])
    except (BotoCoreError, ClientError):
        return None


def invoke(client: Callable[[], LambdaClient], function: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """What the function answers.

    Raises:
        OperatorError: it could not be invoked, or it crashed.
    """
    try:
        answer = client().invoke(FunctionName=function, Payload=json.dumps(request).encode())
        payload = json.loads(answer["Payload"].read())
    except ClientError as exc:
        code = exc.response.get("Error", {}).get("Code")
        raise OperatorError(
            f"{function} could not be invoked ({code}): check the stack's name, the region, and the right lambda:InvokeFunction"
        ) from None
    except NoRegionError:
        raise OperatorError("no AWS region: set AWS_DEFAULT_REGION") from None
    except BotoCoreError as exc:
        raise OperatorError(
            f"{function} could not be invoked ({type(exc).__name__}): check region and credentials"
        ) from None
    except ValueError:
        raise OperatorError(f"{function} answered with something that is not JSON") from None
    if answer.get("FunctionError") or not isinstance(payload, dict):
        raise OperatorError(f"{function} crashed; its log says why")
    return payload
