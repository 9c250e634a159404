"""How much memory this process may still take."""

from __future__ import annotations

import re
from pathlib import Path

from isomorph.engine import parse_bytes
from isomorph.errors import InputError

_AUTO = re.compile(r"auto(?::(0?\.\d{1,6}|1(?:\.0{1,6})?))?")
_SHARE = 0.75


def group_limit(memory_limit: str | int, *, proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """The bytes that are meant: an amount, `"auto"` for three quarters of the free memory, `"auto:0.5"` for another share.

    Free is what the system says it can give, and no more than the limit of this process's control group leaves (a container, a job of
    a cluster).

    Raises:
        InputError: It is no amount, or this system does not say how much is free.

    Example:
        >>> group_limit("12MiB"), group_limit("auto") > 0
        (12582912, True)
    """
    match = _AUTO.fullmatch(memory_limit) if isinstance(memory_limit, str) else None
    if match is None:
        return parse_bytes(memory_limit)
    free = _free(proc, cgroup)
    if free is None:
        raise InputError(f"memory_limit={memory_limit!r}: this system does not say how much memory is free. Give an amount such as '2GB'.")
    return int(free * (float(match[1]) if match[1] else _SHARE))


def _free(proc: Path, cgroup: Path) -> int | None:
    amounts = []
    if (found := re.search(r"^MemAvailable:\s+(\d+) kB", _text(proc / "meminfo"), re.MULTILINE)) is not None:
        amounts.append(1024 * int(found[1]))
    limit, used = _text(cgroup / "memory.max").strip(), _text(cgroup / "memory.current").strip()
    if limit.isdigit() and used.isdigit():
        amounts.append(max(0, int(limit) - int(used)))
    return min(amounts, default=None)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""
