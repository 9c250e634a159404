"""What an object store's errors mean: which pass by themselves, and the one sentence for each."""

from __future__ import annotations

import errno
import re

from isomorph.errors import StoreError

_WAIT = frozenset(
    {
        *("ConnectionError", "HTTPClientError", "ClientConnectionError", "ClientPayloadError", "IncompleteRead", "ResponseParserError"),
        *("FSTimeoutError", "TimeoutError", "RetryError", "ServiceRequestError", "ServiceResponseError", "EndpointConnectionError"),
    }
)
_NEVER = frozenset({"SSLError", "ProxyConnectionError", "InvalidProxyConfiguration"})
_BUSY = frozenset({"SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable", "OperationAborted", "ConditionalRequestConflict"})
_KEYLESS = frozenset(
    {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "ProfileNotFound", "TokenRetrievalError"}
)
_REFUSED = frozenset({"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "TokenRefreshRequired", "AuthFailure"})
_SKEWED = frozenset({"RequestTimeTooSkewed", "RequestExpired"})
_ERRNOS = frozenset({errno.EBUSY, errno.EIO, errno.EREMOTEIO, errno.ETIMEDOUT, errno.EAGAIN, errno.EPIPE, errno.EHOSTUNREACH})
_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})


def mask(text: str) -> str:
    """A text without the secrets that addresses may carry: what stands before `@`, and query strings.

    Example:
        >>> mask("https://me:secret@host/bucket?X-Amz-Signature=abc failed")
        'https://***@host/bucket?*** failed'
    """
    return re.sub(r"\?[^\s\"'?]*=[^\s\"']*", "?***", re.sub(r"://[^/\s\"']*@", "://***@", text))


def of_this_disk(error: BaseException) -> bool:
    """Whether it was the disk of this machine that failed, and not the object store."""
    return isinstance(error, OSError) and error.errno in _DISK


def exists_already(error: BaseException) -> bool:
    """Whether a file was not written because there is one."""
    return isinstance(error, FileExistsError) or code_of(error) in ("PreconditionFailed", "412")


def no_bucket(error: BaseException) -> bool:
    """Whether the bucket itself is missing, and not a file in it."""
    return code_of(error) == "NoSuchBucket"


def comes_back(error: BaseException) -> bool:
    """Whether the same request, made a little later, may succeed."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if names & _NEVER:
        return False
    code, status = code_of(error), _status(error)
    if code is not None:
        return code in _BUSY or status == 429 or (status is not None and status >= 500 and status != 501)
    if names & _WAIT:
        return True
    return isinstance(error, OSError) and error.errno in _ERRNOS


def store_error(error: BaseException, place: str, doing: str, *, waited_seconds: float = 0.0) -> StoreError:
    """The one sentence: what could not be done with which store, why, and the way out. No secret is in it.

    An error that passes has a `ConnectionError` as its cause, so that engines try again; others have none.
    """
    start, code = f"the store {place} cannot {doing}: ", code_of(error)
    names = {kind.__name__ for kind in type(error).__mro__}
    if comes_back(error):
        long = f" for {waited_seconds:.0f} s" if waited_seconds >= 1 else ""
        said = StoreError(
            f"{start}it does not answer{long} ({_words(error)}). Check the network and the address (AWS_ENDPOINT_URL of an S3 that is not "
            "Amazon's), then run again: what is finished is kept."
        )
        said.__cause__ = ConnectionError(_words(error))
        return said
    if names & _KEYLESS:
        why = (
            "there are no credentials. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or log in by your provider's tool."
        )
    elif code in _REFUSED:
        why = f"the credentials are refused ({code}). Renew them, or choose others (AWS_PROFILE)."
    elif code in _SKEWED:
        why = "this machine's clock is wrong by minutes. Set it (`chronyc makestep`)."
    elif isinstance(error, PermissionError) or code in ("AccessDenied", "403"):
        why = "you lack permission. Ask the bucket's owner for reading, writing, listing and deleting under this address."
    elif no_bucket(error) or isinstance(error, FileNotFoundError):
        why = "there is no such bucket. Check the name, or create it with your provider's tool."
    else:
        why = f"{_words(error)}. Check the address and the store's settings; what is finished is kept."
    return StoreError(start + why)


def _words(error: BaseException) -> str:
    """Its name and first line, masked."""
    text = mask(" ".join(str(error).split()))[:200].rstrip(". ")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _response(error: BaseException) -> dict[str, object]:
    for each in (error, error.__cause__, error.__context__):
        response = getattr(each, "response", None)
        if isinstance(response, dict):
            return response
    return {}


def code_of(error: BaseException) -> str | None:
    """The store's own word for the error."""
    said = _response(error).get("Error")
    if isinstance(said, dict) and said.get("Code"):
        return str(said["Code"])
    code = getattr(error, "code", None)  # gcsfs
    return str(code) if isinstance(code, int | str) and code else None


def _status(error: BaseException) -> int | None:
    said = _response(error).get("ResponseMetadata")
    status = said.get("HTTPStatusCode") if isinstance(said, dict) else getattr(error, "code", None)
    return status if isinstance(status, int) else None
