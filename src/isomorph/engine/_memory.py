"""Amounts of memory as people write them."""

from __future__ import annotations

import re

from isomorph.errors import InputError

_UNITS = {"B": 1} | {
    f"{letter}{suffix}": base**power for power, letter in enumerate("KMGT", 1) for suffix, base in (("B", 1000), ("iB", 1024))
}
_BY_LOWER = {unit.lower(): factor for unit, factor in _UNITS.items()}
_AMOUNT = re.compile(r"\s*(\d{1,15}(?:\.\d{1,9})?)\s*([A-Za-z]*)\s*")


def parse_bytes(amount: str | int, *, name: str = "memory_limit") -> int:
    """The bytes that `"2GB"` (1000³), `"1.5 GiB"` (1024³), `"512"` or `512` stand for.

    Args:
        amount: A number with `B`, `KB`, `MB`, `GB`, `TB` (powers of 1000), `KiB`, `MiB`, `GiB`, `TiB` (powers of
            1024), in any case; or bytes.
        name: The option that it is the value of, for the message.

    Raises:
        InputError: It is no positive amount. A bare `G` is refused, because programs disagree on what it means.

    Example:
        >>> parse_bytes("2GB"), parse_bytes("1.5 GiB")
        (2000000000, 1610612736)
    """
    match = _AMOUNT.fullmatch(str(amount)) if not isinstance(amount, bool) else None
    factor = _BY_LOWER.get((match[2] or "B").lower()) if match else None
    count = round(float(match[1]) * factor) if match and factor else 0
    if count < 1:
        raise InputError(f"{name} must be an amount of memory such as '2GB', '512MiB' or a number of bytes; got {amount!r:.80}.")
    return count


def format_bytes(count: int) -> str:
    """An amount for people, in powers of 1000 and three digits.

    Example:
        >>> format_bytes(999), format_bytes(1536), format_bytes(2_000_000_000)
        ('999 B', '1.54 KB', '2 GB')
    """
    amount, unit = float(count), "B"
    for larger in ("KB", "MB", "GB", "TB"):
        if abs(amount) < 999.5:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:,.0f} {unit}" if unit == "B" or abs(amount) >= 999.5 else f"{amount:.3g} {unit}"
