"""Which errors pass by themselves."""

from __future__ import annotations

import errno

from isomorph.errors import DigestError, FetchError

_PASSING = frozenset(
    getattr(errno, name)
    for name in (
        *("EIO", "ESTALE", "EAGAIN", "EBUSY", "EINTR", "ENOLCK", "EREMOTEIO", "ETIMEDOUT", "ECONNRESET", "ECONNREFUSED", "ECONNABORTED"),
        *("EPIPE", "ENETDOWN", "ENETUNREACH", "ENETRESET", "EHOSTDOWN", "EHOSTUNREACH"),
    )
    if hasattr(errno, name)
)


def passes(error: BaseException) -> bool:
    """Whether the same unit, tried again a little later, may succeed.

    That is so for what a network or a network file system does now and then (`EIO`, `ESTALE`, a reset connection, a time-out, a file that
    could not be fetched), also where it is the cause of one of our errors. It is not so for bad input, damaged files or too little memory,
    nor for a full disk or a used-up quota: those need a person.

    Example:
        >>> passes(ConnectionResetError()), passes(OSError(errno.ENOSPC, "full")), passes(ValueError())
        (True, False, False)
    """
    if isinstance(error, DigestError):
        return False
    if isinstance(error, FetchError | ConnectionError | TimeoutError):
        return True
    if isinstance(error, OSError) and error.errno in _PASSING:
        return True
    return isinstance(error, OSError) and isinstance(error.__cause__, OSError) and passes(error.__cause__)
