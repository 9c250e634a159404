"""Several texts about one thing: which row of a table belongs to what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from isomorph.errors import IdError, InputError


def check_captions(table: Any, *, column: str, group: str) -> tuple[str, ...]:
    """What each row's text is about, as text; every row has both.

    Raises:
        InputError: A text or a group is missing or empty; says how many are, and which is the first.
        IdError: Two groups differ only in the spaces around them.
    """
    if group == column:
        raise InputError(f"the column {column!r} cannot hold both the texts and what they are about.")
    groups = ["" if unknown else str(each) for each, unknown in zip(table[group], table[group].isna(), strict=True)]
    texts = table[column].tolist()
    nameless = [row for row, each in enumerate(groups) if not each.strip()]
    if nameless:
        raise InputError(
            f"{len(nameless)} of {len(groups)} rows have no {group!r}; the first is row {nameless[0]}, counted from 0 "
            f"({texts[nameless[0]]!r:.60}). Say what each text is about, or leave such rows out."
        )
    absent = table[column].isna().tolist()
    silent = [row for row, each in enumerate(texts) if absent[row] or (isinstance(each, str) and not each.strip())]
    if silent:
        raise InputError(
            f"{len(silent)} of {len(texts)} rows have an empty {column!r}; the first is row {silent[0]}, counted from 0, of "
            f"{groups[silent[0]]!r}. Leave such rows out: groups may have different numbers of texts."
        )
    seen: dict[str, str] = {}
    for each in groups:
        other = seen.setdefault(each.strip(), each)
        if other != each:
            raise IdError(f"the groups {other!r} and {each!r} differ only in the spaces around them. Write them alike.")
    return tuple(groups)


def numbered(groups: Sequence[str]) -> list[str]:
    """Unique ids of texts: `dog#1`, `dog#2`, `cat#1`, ….

    Example:
        >>> numbered(["dog", "cat", "dog"])
        ['dog#1', 'cat#1', 'dog#2']
    """
    counts: Counter[str] = Counter()
    ids = []
    for each in groups:
        counts[each] += 1
        ids.append(f"{each}#{counts[each]}")
    return ids
