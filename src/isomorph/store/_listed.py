"""Which of many files an S3 has: its listings are in the order of the names, and can begin anywhere."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Any


def which(names: Iterable[str], page_after: Callable[[str], tuple[list[str], bool]]) -> set[str]:
    """Those of `names` that are there.

    A page tells of every name up to its last; what nobody asks for before the next wanted name is jumped over. So there are never more
    requests than names, nor more than the listing has pages.

    Args:
        names: What is looked for.
        page_after: Gives the first names that come after one, in their order, and whether more follow.

    Example:
        >>> files = ["a", "b", "c", "d", "e"]
        >>> sorted(which(["b", "bb", "e"], lambda after: ([each for each in files if each > after][:2], True)))
        ['b', 'e']
    """
    asked, there = set(names), set[str]()
    wanted = sorted(asked)
    start, after = 0, ""
    while start < len(wanted):
        page, more = page_after(max(after, wanted[start][:-1]))  # the name itself, too, comes after all of it but the last letter
        there |= asked.intersection(page)
        if not more or not page:
            break
        after = page[-1]
        start = bisect_right(wanted, after)
    return there


def ordered_page(after: str, fs: Any, root: str) -> tuple[list[str], bool]:
    """The next thousand names of an S3 that come after one, and whether more follow."""
    bucket, _, key = root.partition("/")
    top = f"{key}/" if key else ""
    said = fs.call_s3("list_objects_v2", Bucket=bucket, Prefix=top, StartAfter=top + after)
    return [each["Key"].removeprefix(top) for each in said.get("Contents", [])], bool(said.get("IsTruncated"))
