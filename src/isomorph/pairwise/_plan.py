"""How the work is done within the memory that it may take: predicted before anything is allocated."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from isomorph.engine import format_bytes
from isomorph.errors import InputError
from isomorph.pairwise._arithmetic import CACHED_VALUES
from isomorph.pairwise._ranks import rank_bytes
from isomorph.pairwise._recipe import RANKS, Recipe
from isomorph.pairwise._sum_tree import group_count

HEIGHT, _LEAST_HEIGHT = 256, 16
_CHUNK_BYTES = 64_000_000
SAMPLED_ENTRIES = 1_000_000

Form = Literal["stream", "features"]


@dataclass(frozen=True, kw_only=True)
class Work:
    """How the work is done.

    Attributes:
        height: Rows of a stripe.
        resident: Whether all rows are kept in memory; else on a scratch disk.
        sampled: How many entries stand for all when ranks are wanted; 0: all.
        bytes: The memory that it takes, predicted.
    """

    height: int
    resident: bool
    sampled: int
    bytes: int


def choose_form(recipes: Sequence[Recipe], widths: Sequence[int], n: int, form: str) -> Form:
    """Relations of stimuli, or cross-covariances of features: whichever takes fewer multiplications.

    Streaming takes n² Σp for the relations (nothing where another measure needs them) and M² n² / 2 for their products; features
    2 n Σ p_a p_b over all pairs. Only linear measures have the second form.
    """
    linear = [each for each in recipes if each.view.kind == "linear" and not each.view.centring]
    if form == "stream" or not linear:
        if form == "features":
            raise InputError("form='features' is for linear CKA without standard errors; leave form='auto'.")
        return "stream"
    shared = any(each.view.base == "centred" and each not in linear for each in recipes)
    stream = (0 if shared else n**2 * sum(widths)) + len(widths) ** 2 * n**2 / 2
    total = sum(widths)
    features = n * (total**2 + sum(each**2 for each in widths))
    return "features" if form == "features" or features < stream else "stream"


def plan_work(
    recipes: Sequence[Recipe], widths: Sequence[int], n: int, *, itemsize: int, limit: int, by_row: bool, streams: bool,
    bases: Collection[str], scratch: Path,
) -> Work:  # fmt: skip
    """Choose the height of stripes, where rows are kept, and whether ranks are sampled.

    Raises:
        InputError: Not even the lowest stripe fits into the memory, or the rows onto the scratch disk; the message has the numbers.
    """
    things, rows = len(widths), n * sum(widths) * itemsize * max(1, len(bases))
    views = {each.view.key: each for each in recipes}
    nodes = group_count(n).bit_length() + 1  # of the tree of sums, at once
    fixed = _CHUNK_BYTES + things * n * 8 * (2 + 2 * len(views)) + nodes * 8 * things * (n + things) * len(views)
    if by_row:
        fixed += len(views) * 8 * n * things * (things + 1) // 2
    sampled = _sampled(recipes, things, n, itemsize=itemsize, limit=limit, scratch=scratch, rows=rows)
    entries = sampled or (n * (n - 1) // 2 if any(each.statistic in RANKS for each in recipes) else 0)
    ranks = rank_bytes(entries, things, 8 if sampled else itemsize) if entries else 0
    if sampled:
        fixed += (8 * things + 16) * sampled
    blocks = itemsize * things * max(CACHED_VALUES, n) if streams else 2 * 8 * max(widths) ** 2
    row = itemsize * things * n if streams else 0
    one = n * max(widths) * itemsize
    best = min(n, HEIGHT, max(_LEAST_HEIGHT, n // 16))
    for resident in (True, False):
        held = fixed + blocks + (rows if resident else 2 * one)
        height = min(best, (limit - held) // row if row else (best if limit >= held else 0))
        if height >= min(best, 4 * _LEAST_HEIGHT if resident else _LEAST_HEIGHT):
            if not resident:
                check_disk(rows, scratch)
            return Work(height=height, resident=resident, sampled=sampled, bytes=max(held + height * row, ranks))
    least = fixed + blocks + 2 * one + min(best, _LEAST_HEIGHT) * row
    raise InputError(
        f"{things} things with {n:,} stimuli need at least {format_bytes(least)} for a stripe of {min(best, _LEAST_HEIGHT)} rows, but "
        f"memory_limit is {format_bytes(limit)}. Raise it, or compare fewer things at a time."
    )


def _sampled(recipes: Sequence[Recipe], things: int, n: int, *, itemsize: int, limit: int, scratch: Path, rows: int) -> int:
    """How many entries stand for all: 0 where one thing's ranking fits into memory and all entries and ranks onto the disk."""
    views = {each.view.key for each in recipes if each.statistic in RANKS}
    entries = n * (n - 1) // 2
    if not views or entries <= SAMPLED_ENTRIES:
        return 0
    disk = things * entries * (itemsize * len(views) + 4) + rows
    fits = rank_bytes(entries, things, itemsize) <= limit and disk < shutil.disk_usage(scratch).free
    return 0 if fits else SAMPLED_ENTRIES


def check_disk(rows: int, scratch: Path) -> None:
    """Raise `InputError` unless so many bytes of rows fit onto the scratch disk; a mapped file that does not would kill the process."""
    free = shutil.disk_usage(scratch).free
    if rows > free:
        raise InputError(
            f"the features do not fit into memory_limit, and {scratch} has {format_bytes(free)} free for {format_bytes(rows)} of them. "
            "Raise memory_limit, or set scratch (of a study: the environment variable TMPDIR) to a folder on a larger disk."
        )
