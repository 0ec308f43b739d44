"""The emulator's S3 as the functions read it: every bucket that a row names is there, and they may read it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from botocore.exceptions import ClientError, ParamValidationError

from local.world.aws import Aws
from local.world.stack import create_bucket

POLICY = "TrialDocuments"


class AddressRefusedError(Exception):
    """S3 knows no such bucket or key; the message says why."""


@dataclass(slots=True)
class Store:
    """Where documents are put before a function looks for them there. `reader` is that function's role."""

    aws: Aws
    reader: str
    _open: set[str] = field(default_factory=set)

    def put(self, bucket: str, key: str, document: bytes) -> None:
        """Raises AddressRefusedError where nothing can lie there."""
        s3 = self.aws.session.client("s3", endpoint_url=self.aws.endpoint_url)
        try:
            if bucket not in self._open:
                self._make(bucket)
            s3.put_object(Bucket=bucket, Key=key, Body=document)
        except (ClientError, ParamValidationError) as error:
            raise AddressRefusedError(f"S3 takes nothing at s3://{bucket}/{key}: {error}") from None

    def forget(self) -> None:
        """The emulator has begun anew, and has none of it."""
        self._open.clear()

    def _make(self, bucket: str) -> None:
        create_bucket(self.aws, bucket)
        self._open.add(bucket)
        places = [f"arn:aws:s3:::{each}{objects}" for each in sorted(self._open) for objects in ("", "/*")]
        allowed = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": places}
        self.aws.session.client("iam", endpoint_url=self.aws.endpoint_url).put_role_policy(
            RoleName=self.reader,
            PolicyName=POLICY,
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
        )
