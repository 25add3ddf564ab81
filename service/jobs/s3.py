"""Objects in S3, by boto3, set up as everywhere by AWS_* variables and files: credentials, region, AWS_ENDPOINT_URL.

They are read by ranges and appear whole: S3 shows nothing of an upload before its last part is there.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any

from service.jobs.location import S3, AwayError
from service.jobs.plan import JobError, WrongUsageError

UNKNOWN = {
    "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "InvalidClientTokenId",
    "AuthFailure", "UnrecognizedClientException",
}  # fmt: skip
REFUSED = {"403", "AccessDenied", "Forbidden", "AllAccessDisabled"}
MISSING = {"404", "NoSuchKey", "NotFound"}


def parts_of(name: str) -> tuple[str, str]:
    """Bucket and key. Raises WrongUsageError."""
    bucket, _, key = name.removeprefix(S3).partition("/")
    if not bucket or "@" in bucket or "?" in bucket:
        raise WrongUsageError(f"an archive in S3 is called {S3}BUCKET/KEY; credentials come from AWS_* variables")
    return bucket, key


def is_object(name: str) -> bool:
    """Else it may be what objects' names begin with. Raises AwayError, also of no such bucket."""
    bucket, key = parts_of(name)
    with told(name):  # by a list, for a refused look at the object itself doesn't say why
        first = client().list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents", ())
    return bool(key) and any(one["Key"] == key for one in first)


def objects_in(name: str) -> list[str]:
    """What lies under this name, without it. Raises AwayError."""
    bucket, key = parts_of(name)
    prefix = f"{key.rstrip('/')}/" if key else ""
    found: list[str] = []
    with told(name):
        for page in client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            found += [one["Key"].removeprefix(prefix) for one in page.get("Contents", ())]
    return found


def check_bucket(name: str) -> None:
    """Before anything is worked out for it. Who may write but not look is believed. Raises AwayError."""
    bucket, key = parts_of(name)
    with told(name), suppress(_RefusedError):
        client().list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)


class _RefusedError(AwayError):
    """These credentials may not do that."""


@lru_cache(maxsize=1)
def client() -> Any:
    """For this process; it can be shared by threads. Raises JobError where boto3 is missing."""
    try:
        import boto3
        from botocore.config import Config
    except ImportError as error:
        raise JobError(f"S3 needs boto3 ({error}): pip install 'rubricator[s3]'") from error
    config = Config(
        retries={"mode": "standard", "max_attempts": 5},
        connect_timeout=10,
        # many servers that speak S3 don't know the checksums that AWS has added since
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    # AWS_REGION is what all other tools of AWS read; boto3 reads AWS_DEFAULT_REGION alone
    return boto3.Session(region_name=os.environ.get("AWS_REGION") or None).client("s3", config=config)


@contextmanager
def told(name: str) -> Iterator[None]:
    """Errors of boto3 as what happened and what to do; none of them holds a credential."""
    client()  # says what is missing
    from boto3.exceptions import Boto3Error
    from botocore import exceptions

    try:
        yield
    except exceptions.ClientError as error:
        raise _of_server(error, name) from error
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError) as error:
        raise AwayError(
            f"there are no credentials for {name}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
        ) from error
    except exceptions.BotoCoreError as error:
        raise AwayError(
            f"S3 can't be reached for {name}: {' '.join(str(error).split())}; see to AWS_ENDPOINT_URL and AWS_REGION"
        ) from error
    except Boto3Error as error:  # of an upload, with the server's words in it
        if isinstance(cause := error.__context__, exceptions.ClientError):
            raise _of_server(cause, name) from error
        raise AwayError(f"{name} could not be written: {' '.join(str(error).split())}; --resume goes on") from error


def _of_server(error: Any, name: str) -> OSError:
    about = error.response.get("Error", {})
    code, bucket = str(about.get("Code", "")), parts_of(name)[0]
    if code in MISSING:
        return FileNotFoundError(errno.ENOENT, "No such file in S3", name)
    if code == "NoSuchBucket":
        return AwayError(f"there is no bucket {bucket}: make it, or see to its name and to AWS_ENDPOINT_URL")
    if code in UNKNOWN:
        return AwayError(
            f"S3 does not take the credentials for {name} ({code}): see to AWS_ACCESS_KEY_ID and its secret"
        )
    if code in REFUSED:
        return _RefusedError(
            f"S3 refuses {error.operation_name} on {name}: see to AWS_ACCESS_KEY_ID and its secret, and let it have "
            "s3:ListBucket and s3:GetObject, where results go s3:PutObject and s3:DeleteObject too"
        )
    if code == "PreconditionFailed":
        return OSError(f"{name} was written to while it was read: --resume reads it again")
    if code in {"PermanentRedirect", "301", "AuthorizationHeaderMalformed"}:
        return AwayError(f"the bucket {bucket} is in another region: set AWS_REGION")
    return AwayError(f"S3 could not do {error.operation_name} on {name}: {code} {about.get('Message', '')}".rstrip())
