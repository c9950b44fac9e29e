"""Requests to object storage for sources, with retries. Their errors name the bucket.

A request is repeated for up to a minute while the network is down, then BucketError is raised. A missing object is a
FileNotFoundError, as on a disk.
"""

from __future__ import annotations

import errno
import functools
import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from animeds_db.errors import SourceError, StoreError
from animeds_db.remote import storage as object_storage
from animeds_db.remote.storage import (
    azure_endpoint,
    bucket_of,
    endpoint,
    expect_reachable,
    explained,
    is_passing,
)

Answer = TypeVar("Answer")

AT_ONCE = 16
"""Number of simultaneous small requests, each of which takes tens of milliseconds."""
FIRST_WAIT_S, LONGEST_WAIT_S = 0.25, 8.0
"""Seconds before the first retry of a request; doubled for each further one."""
LESS_PATIENCE_S = 5.0
"""Shorter limit for a bucket that failed before and has not answered since, so that a thousand sources do not take
a minute each."""
REQUEST_S = 30.0
"""Seconds without an answer after which a request is repeated."""

_VARIABLES = ("AWS_", "GOOGLE_", "AZURE_", "STORAGE_EMULATOR_HOST")
_KEYS_ARE_IN = (
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
_AWAY: set[str] = set()
"""Buckets that failed and have not answered since."""
_NO_KEYS = "credentials were not provided"
_GONE = ("NO_SUCH_KEY", "NoSuchKey", "BlobNotFound", "HTTP status 404", "NOT_FOUND")


class BucketError(SourceError):
    """A bucket cannot be read. No single file is at fault, so no file is skipped because of it."""


def asked(uri: str, call: Callable[[], Answer]) -> Answer:
    """Return the result of `call`, a request through Arrow, with retries. Raises FileNotFoundError and BucketError."""
    bucket = bucket_of(uri)
    patience = object_storage.RETRY_S
    give_up = time.monotonic() + (min(patience, LESS_PATIENCE_S) if bucket in _AWAY else patience)
    wait = FIRST_WAIT_S
    while True:
        try:
            answer = call()
            _AWAY.discard(bucket)
            return answer
        except (OSError, pa.ArrowException) as error:
            if isinstance(error, FileNotFoundError) or any(word in str(error) for word in _GONE):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), uri) from error
            if not is_passing(error) or time.monotonic() + wait > give_up:
                if is_passing(error):
                    _AWAY.add(bucket)
                raise _bucket_error(uri, error) from error
        time.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT_S)


def filesystem(uri: str) -> Any:
    """Return Arrow's file system for a URI, in which paths are BUCKET/NAME. Raises BucketError."""
    around = hash(frozenset(item for item in os.environ.items() if item[0].startswith(_VARIABLES)))
    return _connected(bucket_of(uri), around)


def refuse_missing_bucket(uri: str) -> None:
    """Raise BucketError if the bucket itself does not exist, and not only the file."""
    from pyarrow.fs import FileType

    bucket = bucket_of(uri)
    info = asked(uri, lambda: filesystem(uri).get_file_info(bucket.partition("://")[2]))
    if info.type == FileType.NotFound:
        raise _bucket_error(uri, OSError("there is no such bucket"))


def _bucket_error(uri: str, error: BaseException) -> BucketError:
    if "No response body" in str(error):  # a HEAD request: only a listing returns the reason
        error = _error_of_listing(uri) or error
    if "ACCESS_DENIED" in str(error) and not _has_keys():
        error = OSError(_NO_KEYS)
    known = explained(uri, error, writing=False)
    if known is not None:
        return BucketError(known.message, hint=known.hint)
    return BucketError(f"{uri} cannot be read: {str(error)[:300]}", hint="check the URI and the credentials")


def _error_of_listing(uri: str) -> BaseException | None:
    from pyarrow.fs import FileSelector

    try:
        filesystem(uri).get_file_info(FileSelector(bucket_of(uri).partition("://")[2]))
    except (OSError, pa.ArrowException) as error:
        return error
    return None


@functools.lru_cache(16)
def _connected(bucket: str, _around: int) -> Any:
    """Connect with the settings of the environment. `_around` is a cache key for them, because they may change."""
    try:
        expect_reachable(bucket)
    except StoreError as error:
        raise BucketError(error.message, hint=error.hint) from error
    make = {"s3": _s3, "gs": _google, "az": _azure}[bucket.partition("://")[0]]
    try:
        return make(bucket)
    except (OSError, pa.ArrowException) as error:
        raise _bucket_error(bucket, error) from error


def _s3(bucket: str) -> Any:
    from pyarrow import fs

    is_anonymous = os.environ.get("AWS_SKIP_SIGNATURE", "").lower() in ("1", "true")
    is_nowhere_else = os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true"
    if not is_anonymous and is_nowhere_else and not _has_keys():
        raise OSError(_NO_KEYS)  # Arrow would try anonymously
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    options: dict[str, Any] = {}
    server = endpoint()
    if server:
        options = {
            "scheme": server.partition("://")[0],
            "endpoint_override": server.partition("://")[2].rstrip("/"),
        }
    elif not region:
        region = _region_of(bucket)
    return fs.S3FileSystem(
        anonymous=is_anonymous,
        region=region or "us-east-1",
        connect_timeout=object_storage.CONNECT_S,
        request_timeout=REQUEST_S,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=1),  # `asked` does the retries
        **options,
    )


def _has_keys() -> bool:
    """Return True if a variable or file has credentials for S3. Machines at Amazon may have others."""
    files = (
        Path(os.environ.get(variable) or Path.home() / ".aws" / name)
        for variable, name in (("AWS_SHARED_CREDENTIALS_FILE", "credentials"), ("AWS_CONFIG_FILE", "config"))
    )
    return any(os.environ.get(name) for name in _KEYS_ARE_IN) or any(file.is_file() for file in files)


def _region_of(bucket: str) -> str | None:
    from pyarrow import fs

    try:
        return str(fs.resolve_s3_region(bucket.partition("://")[2]))
    except (OSError, pa.ArrowException):
        return None  # the first request shows what is wrong


def _google(_bucket: str) -> Any:
    from pyarrow import fs

    server = os.environ.get("STORAGE_EMULATOR_HOST")
    limit = timedelta(seconds=object_storage.CONNECT_S)
    if not server:
        return fs.GcsFileSystem(retry_time_limit=limit)
    scheme, mark, host = server.rpartition("://")
    return fs.GcsFileSystem(
        anonymous=True, scheme=scheme if mark else "http", endpoint_override=host, retry_time_limit=limit
    )


def _azure(_bucket: str) -> Any:
    from pyarrow import fs

    account = os.environ.get("AZURE_STORAGE_ACCOUNT_NAME")
    if not account:
        raise OSError("Account must be specified")
    options: dict[str, Any] = {}
    server = azure_endpoint()
    if server:
        scheme, _, host = server.partition("://")
        authority = host.partition("/")[0]
        options = {"blob_storage_authority": authority, "dfs_storage_authority": authority}
        options |= {"blob_storage_scheme": scheme, "dfs_storage_scheme": scheme}
    return fs.AzureFileSystem(
        account,
        account_key=os.environ.get("AZURE_STORAGE_ACCOUNT_KEY") or os.environ.get("AZURE_STORAGE_ACCESS_KEY"),
        sas_token=os.environ.get("AZURE_STORAGE_SAS_TOKEN") or None,
        **options,
    )
