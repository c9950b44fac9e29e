"""Object storage (s3://, gs://, az://): connection settings, and explanations of its errors.

Secrets come from the environment or the provider's own files, never from a URI, and never appear in messages.

Lance reads the usual variables itself (AWS_ACCESS_KEY_ID, AWS_PROFILE, AWS_ENDPOINT_URL, AWS_REGION,
GOOGLE_APPLICATION_CREDENTIALS, AZURE_STORAGE_ACCOUNT_NAME, AZURE_STORAGE_ACCOUNT_KEY …). Each commit is one
object that is written only if it does not exist yet (If-None-Match on S3, similar on the others), so that one of
two writers has to merge and try again.
"""

from __future__ import annotations

import os
import re
import socket
from urllib.parse import urlsplit

from animeds_db.errors import StoreError

SCHEMES = {"s3": "S3", "gs": "Google Cloud Storage", "az": "Azure Blob Storage"}
RETRIES = 12
"""Maximum number of retries of a request, with growing delays: enough for a network outage of a minute."""
RETRY_S = 60
"""Seconds after which a request is no longer repeated. If packets are lost without an answer, each attempt takes 30 s
and Lance lists a folder six times, so the error appears after some minutes."""
CONNECT_S = 5.0
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")


def is_remote(uri: str) -> bool:
    """Return True if this is a URI of object storage rather than a path."""
    return "://" in uri and not uri.startswith("file://")


def was_uri(path: str | os.PathLike[str]) -> bool:
    """Return True if a path is a URI such as s3://bucket/x that pathlib has changed (one slash is lost)."""
    return re.match(r"\w{2,}:/", os.fspath(path)) is not None and not os.path.exists(path)  # noqa: PTH110


def endpoint() -> str | None:
    """Return the address of the S3-compatible server set in the environment, or None for Amazon's own."""
    return next((os.environ[name] for name in _ENDPOINTS if os.environ.get(name)), None)


def azure_endpoint() -> str | None:
    """Return the address of a server that replaces Azure's (http://127.0.0.1:10000/ACCOUNT), or None if not set."""
    return os.environ.get("AZURE_STORAGE_ENDPOINT") or os.environ.get("AZURE_ENDPOINT")


def storage_options(uri: str) -> dict[str, str] | None:
    """Return Lance's storage options in addition to the environment, or None for a path."""
    if not is_remote(uri):
        return None
    options = {
        "client_max_retries": str(RETRIES),
        "client_retry_timeout": str(RETRY_S),
        "connect_timeout": f"{CONNECT_S:g}s",
    }
    server = endpoint() if uri.startswith("s3://") else None
    if server:
        options["aws_endpoint"] = server
        if not os.environ.get("AWS_REGION") and not os.environ.get("AWS_DEFAULT_REGION"):
            options["aws_region"] = "us-east-1"  # such servers have no regions, but the signature needs one
    if uri.startswith("az://"):
        server = azure_endpoint()
        if server:
            options["azure_storage_endpoint"] = server
    if server and server.startswith("http://"):
        options["allow_http"] = "true"
    return options


def expect_reachable(uri: str) -> None:
    """Raise StoreError if a URI's storage is not supported, or if its server does not answer.

    This fails at once, while Lance would retry for a minute.
    """
    scheme, bucket = urlsplit(uri).scheme, urlsplit(uri).netloc
    if scheme not in SCHEMES or not bucket:
        known = ", ".join(f"{name}://BUCKET/NAME" for name in SCHEMES)
        raise StoreError(
            f"{uri} is not a supported location for a database", hint=f"give a folder, or {known}"
        )
    server = endpoint()
    if scheme != "s3" or not server:
        return
    where = urlsplit(server)
    port = where.port or (80 if where.scheme == "http" else 443)
    try:
        socket.create_connection((where.hostname or "", port), timeout=CONNECT_S).close()
    except OSError as error:
        raise StoreError(
            f"{uri}: no answer from {server} ({error.strerror or error})",
            hint=f"check {_named_by()}, and the network",
        ) from error


def explained(uri: str, error: BaseException, *, writing: bool) -> StoreError | None:
    """Return an error that explains one of object storage, with a hint, or None if it is not a known one."""
    if not is_remote(uri):
        return None
    text, place = str(error), bucket_of(uri)
    for pattern, words, hint in _MEANINGS:
        if re.search(pattern, text):
            return StoreError(
                words.format(uri=uri, place=place, do="write" if writing else "read"), hint=hint
            )
    return None


def is_passing(error: BaseException) -> bool:
    """Return True if the network or the server is at fault, so that the same request may succeed later."""
    meaning = next((pattern for pattern, _, _ in _MEANINGS if re.search(pattern, str(error))), None)
    return meaning is _PASSING


def bucket_of(uri: str) -> str:
    """Return the bucket of a URI, as a URI."""
    scheme, _, rest = uri.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def _named_by() -> str:
    return next(name for name in _ENDPOINTS if os.environ.get(name))


_PASSING = (
    r"error sending request|dns error|[Tt]imed out|connection (closed|reset|refused)|50[0234] |"
    r"error decoding response|NETWORK_CONNECTION|REQUEST_TIMEOUT|SLOW_DOWN|SlowDown|INTERNAL_FAILURE|"
    r"SERVICE_UNAVAILABLE|HTTP status (429|50[0234])|curlCode: |[Cc]url(Easy)?|UNAVAILABLE|"
    r"Fail to get a new connection|Error while (sending|reading|polling)"
)
"""Messages of temporary failures, from Lance and from Arrow's three kinds of stores."""

_MEANINGS = (
    (
        r"NoSuchBucket|NO_SUCH_BUCKET|The specified bucket does not exist|container does not exist|"
        r"ContainerNotFound|there is no such bucket",
        "the bucket {place} does not exist",
        "create it first (aws s3 mb, gcloud storage buckets create …), or check the name",
    ),
    (
        r"ExpiredToken|EXPIRED_TOKEN|TokenRefreshRequired|token (has|is) expired|RequestTimeTooSkewed|InvalidToken",
        "the credentials for {place} have expired",
        "log in again (aws sso login, gcloud auth …), or renew the variables, including AWS_SESSION_TOKEN; "
        "also check the clock",
    ),
    (
        r"InvalidAccessKeyId|SignatureDoesNotMatch|AuthenticationFailed|InvalidClientTokenId|401 Unauthorized|"
        r"AuthorizationFailure|INVALID_ACCESS_KEY_ID|SIGNATURE_DOES_NOT_MATCH|UNRECOGNIZED_CLIENT|"
        r"HTTP status 401|UNAUTHENTICATED",
        "{place} does not accept these credentials",
        "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or AWS_PROFILE, GOOGLE_APPLICATION_CREDENTIALS, "
        "AZURE_STORAGE_ACCOUNT_KEY)",
    ),
    (
        r"Failed to get AWS credentials|CredentialsNotLoaded|no providers in chain|MissingAccountName|"
        r"[Cc]ould not find (application )?default credentials|Account must be specified|"
        r"credentials were not provided|AuthenticationException|Base64|OAuth2 access token",
        "there are no credentials for {place}",
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or AWS_PROFILE, GOOGLE_APPLICATION_CREDENTIALS, "
        "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY)",
    ),
    (
        r"AccessDenied|Access Denied|403 Forbidden|AuthorizationPermissionMismatch|PermissionDenied|"
        r"ACCESS_DENIED|PERMISSION_DENIED|HTTP status 403",
        "no permission to {do} {uri}",
        "these credentials may be read-only: request permission to list, get, put and delete",
    ),
    (
        r"NotImplemented|501 Not Implemented",
        "{place} does not support conditional writes, without which two writers could lose rows",
        "use a newer server (MinIO, Ceph, R2 and Amazon support them), or a folder",
    ),
    (
        r"PermanentRedirect|HTTP status 301|AuthorizationHeaderMalformed",
        "{place} is in another region",
        "set AWS_REGION to the region of the bucket",
    ),
    (
        _PASSING,
        "{place} cannot be reached, after many attempts",
        "check the network and run the command again: what was committed is safe and is not done twice",
    ),
)
