"""Shape or texture: what decides where they conflict."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from isomorph.errors import InputError
from isomorph.inference import interval
from isomorph.inference._bootstrap import check_draws
from isomorph.perception._distributions import Floats
from isomorph.perception._trials import Trials

if TYPE_CHECKING:
    import pandas


def texture_of(image: str) -> str:
    """The texture of a cue-conflict image: the last word of its name, without digits and suffix.

    Example:
        >>> texture_of("airplane1-bicycle2.png")
        'bicycle'
    """
    return re.sub(r"\d", "", image.rsplit(".", 1)[0].rsplit("-", 1)[-1])


def shape_bias(
    trials: Trials, *, dataset: str = "cue-conflict", pool_people: bool = True, replicates: int = 1000, seed: int = 0, level: float = 0.95
) -> pandas.DataFrame:
    """Shape bias s / (s + t) of each observer: of the answers that name an image's shape or its texture, the share that name the shape.

    Images whose shape and texture are the same do not count, nor do other answers (Geirhos et al., 2019,
    <https://arxiv.org/abs/1811.12231>).

    Args:
        trials: Trials with `dataset` among them; the category is the shape.
        dataset: The data set of cue conflicts.
        pool_people: All people as one observer called "humans".
        replicates: Bootstrap replicates over images; 0: no interval.
        seed: The bootstrap's.
        level: The interval's coverage.

    Returns:
        One row an observer: `observer`, `shape_bias`, `low`, `high`, `shape`, `texture` (answers), `images`.

    Raises:
        InputError: There is no such data set, or no image with a conflict.
    """
    import pandas

    check_draws(replicates=replicates, seed=seed, level=level)
    part, shape, texture = _conflicts(trials, dataset)
    item = part.item.ordered().codes
    humans = set(part.humans) if pool_people else set()
    observer = part.subject.renamed(lambda name: "humans" if name in humans else name)
    images = len(part.item.names)
    rows = []
    for at, name in enumerate(observer.names):
        mine = observer.codes == at
        votes = [np.bincount(item[mine & which], minlength=images).astype(np.float64) for which in (shape, texture)]
        s, t = (int(each.sum()) for each in votes)
        shown = len(np.unique(item[mine]))
        low, high = _ends(votes, shown, replicates, seed, level)
        bias = s / (s + t) if s + t else float("nan")
        rows.append({"observer": name, "shape_bias": bias, "low": low, "high": high, "shape": s, "texture": t, "images": shown})
    return pandas.DataFrame(rows).sort_values("observer", ignore_index=True)


def _conflicts(trials: Trials, dataset: str) -> tuple[Trials, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """The trials whose shape and texture differ, and which answers name the one and the other."""
    part = trials.take(datasets=[dataset])
    texture = part.item.renamed(texture_of)
    conflict = texture.values() != part.category.values()
    if not conflict.any():
        raise InputError(
            f"no image of {dataset!r} has a texture of another category than its shape. Names end in -<texture>: airplane1-bicycle2.png."
        )
    part = part.where(conflict)
    return part, part.correct, part.response.values() == texture.values()[conflict]


def _ends(votes: list[Floats], shown: int, replicates: int, seed: int, level: float) -> tuple[float, float]:
    if not replicates:
        return float("nan"), float("nan")
    # an image without such a vote cannot matter once the number drawn of those with one is right
    voted = np.flatnonzero(votes[0] + votes[1])
    shares = np.append(np.full(len(voted), 1 / shown), 1 - len(voted) / shown)
    drawn = np.random.default_rng(seed).multinomial(shown, shares, size=replicates)[:, :-1]
    s, t = (drawn @ each[voted] for each in votes)
    low, high = interval(np.divide(s, s + t, out=np.full(replicates, np.nan), where=s + t > 0), level)
    return float(low), float(high)
