"""Amounts of memory."""

import pytest

from isomorph.engine import format_bytes, parse_bytes
from isomorph.errors import InputError


@pytest.mark.parametrize(
    ("amount", "count"),
    [
        ("2GB", 2 * 10**9),
        ("2 GiB", 2 * 2**30),
        ("1.5kb", 1500),
        ("1.5 KiB", 1536),
        ("512mib", 2**29),
        ("512MB", 512 * 10**6),
        ("1TB", 10**12),
        ("1TiB", 2**40),
        ("7B", 7),
        (" 4096 ", 4096),
        (4096, 4096),
    ],
)
def test_amounts_are_read(amount: str | int, count: int) -> None:
    assert parse_bytes(amount) == count


@pytest.mark.parametrize(
    "amount", ["", "GB", "2G", "2 gigs", "-1GB", "0", "0.0001KB", "1e9", "1,5GB", "nan", "inf", "2GB2", True, "9" * 400]
)
def test_what_is_no_amount_is_refused_by_the_name_of_the_option(amount: object) -> None:
    with pytest.raises(InputError, match=r"^cache_size must be an amount of memory"):
        parse_bytes(amount, name="cache_size")


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 KB"), (1536, "1.54 KB"), (999_600, "1 MB"), (2 * 10**9, "2 GB"), (5 * 10**15, "5,000 TB")],
)
def test_amounts_are_written(count: int, text: str) -> None:
    assert format_bytes(count) == text
