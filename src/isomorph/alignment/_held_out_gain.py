"""Whether a fitted map foretells people's choices among objects that it has not seen better than the features alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from isomorph.alignment._examples import Choices, read_examples
from isomorph.alignment._object_folds import ObjectFold, object_folds
from isomorph.alignment._search import search
from isomorph.alignment._triplet_map import TripletMap
from isomorph.arrays import FloatArray
from isomorph.engine import Progress
from isomorph.features import Features
from isomorph.inference import Score, interval
from isomorph.judgments import Triplets, score_triplets
from isomorph.judgments._resample import resampled_means
from isomorph.judgments._similarity import Similarity


@dataclass(frozen=True, kw_only=True, eq=False)
class HeldOutGain:
    """Choices about objects that no map was fitted to, foretold by features and by mapped features.

    Attributes:
        method: The map's.
        before: Accuracy of the features as they are.
        after: Accuracy of the mapped features, each trial by a map that saw none of its objects.
        difference: `after - before`, trial by trial, with its interval.
        nll_before: Nats a trial, at the temperature that suits each fold's training trials best.
        nll_after: Nats a trial.
        nll_difference: `nll_after - nll_before`: below 0 is better.
        similarity: Of the features as they are; mapped features are compared by dot products.
        by: What was split.
        folds: Into how many parts.
        trained_on: How many trials each map was fitted to.
        untested: Trials that no fold could test.
        chosen: The options that were searched, as each fold chose them on its training trials (a strength as `best_for` has it).
        trials: The tested trials, each once, in the order of the four below.
        credit: `[2, trial]`: before and after, 1 right, 0 wrong.
        trial_nll: `[2, trial]`, nats.
    """

    method: str
    before: float
    after: float
    difference: Score
    nll_before: float
    nll_after: float
    nll_difference: Score
    similarity: str
    by: str
    folds: int
    trained_on: tuple[int, ...]
    untested: int
    chosen: tuple[Mapping[str, Any], ...]
    trials: Triplets = field(repr=False)
    credit: FloatArray = field(repr=False)
    trial_nll: FloatArray = field(repr=False)

    @property
    def verdict(self) -> Literal["raises", "lowers", "neither"]:
        """What the interval of `difference` says: all above 0, all below 0, or neither."""
        low, high = self.difference.low, self.difference.high
        if low is None or high is None or low <= 0 <= high:
            return "neither"
        return "raises" if low > 0 else "lowers"

    def __str__(self) -> str:
        low, high, value = self.difference.low, self.difference.high, self.difference.value
        unsure = self.verdict == "neither"
        ends = "without an interval"
        if low is not None and high is not None:
            ends = f"{self.difference.level:.0%} [{low:+.3f}, {high:+.3f}]{', which includes 0' if unsure else ''}"
        return (
            f"{self.method} {'does not surely change' if unsure else self.verdict} accuracy on held-out objects: "
            f"{self.before:.3f} → {self.after:.3f}, {value:+.3f} ({ends}); NLL {self.nll_before:.3f} → {self.nll_after:.3f}; "
            f"n={len(self.trials):,} trials"
        )

    __repr__ = __str__

    def to_plain(self) -> dict[str, Any]:
        """The numbers and how they were reached, without the trials."""
        facts = {name: getattr(self, name) for name in ("method", "verdict", "before", "after", "nll_before", "nll_after")}
        for name, score in (("difference", self.difference), ("nll_difference", self.nll_difference)):
            facts |= {name: score.value, f"{name}_low": score.low, f"{name}_high": score.high}
        facts |= {"n": len(self.trials), "untested": self.untested, "trained_on": int(np.median(self.trained_on))}
        facts |= {name: getattr(self, name) for name in ("similarity", "by", "folds")}
        return facts | {"chosen": [dict(each) for each in self.chosen], "level": self.difference.level, "seed": self.difference.seed}


def held_out_gain(
    of: TripletMap,
    x: Features,
    triplets: Choices,
    *,
    grid: Mapping[str, Sequence[Any]] | None = None,
    preserve: Features | None = None,
    folds: int = 20,
    by: Literal["objects", "trials"] = "trials",
    search_folds: int = 4,
    similarity: Similarity = "cosine",
    replicates: int = 1000,
    resample: str = "objects",
    level: float = 0.95,
    seed: int = 0,
    progress: Progress | None = None,
) -> HeldOutGain:
    r"""Fit a map in folds and compare, on objects it has not seen, what it foretells with what the features foretell as they are.

    $$\Delta = \frac1n \sum_t \big( [\text{after}_t] - [\text{before}_t] \big)$$

    Each trial is judged by a map that was fitted to none of its three objects, and (with a grid) whose options were chosen without them.
    The features' own mean and deviation are those of all objects: no judgment enters them. The bootstrap draws trials or objects of the
    pooled test trials and fits no map anew, so the interval is about other objects met by these maps.

    Args:
        of: The map's options.
        x: Features of the objects.
        triplets: People's choices.
        grid: Options to choose within each fold's training trials, as `search` takes them.
        preserve: As for `fit`.
        folds: Parts, each held out once.
        by: What is parted. `"trials"` tests every trial, and suits many objects in few trials each; `"objects"` suits few objects that are
            shown often, and tests 1/folds² of the trials. See `object_folds`.
        search_folds: Parts within a fold's training trials, for the grid.
        similarity: By which the features as they are foretell: `"cosine"`, `"dot"`, `"centred-cosine"` or `"euclidean"`.
        replicates: Bootstrap samples; 0 for no intervals.
        resample: What is drawn: `"objects"`, `"trials"` or `"participants"`.
        level: The intervals' coverage.
        seed: Of folds and bootstrap.
        progress: Where to show it.

    Raises:
        InputError: There are too few trials for the folds; or what `fit`, `search` and `score_triplets` raise.

    Example:
        >>> from isomorph.alignment import Global
        >>> rng = np.random.default_rng(0)
        >>> x = Features(rng.normal(size=(60, 4)), tuple(map(str, range(60))))
        >>> trials = np.array([rng.permutation(60)[:3] for _ in range(300)])
        >>> gain = held_out_gain(Global(epochs=2), x, trials, folds=30, replicates=200)
        >>> gain.verdict, len(gain.trials)
        ('neither', 300)
    """
    examples = read_examples(x, triplets)
    named = Triplets(items=examples.items, objects=x.ids, soft=examples.targets, participants=getattr(triplets, "participants", None))
    parts = object_folds(named, folds, by=by, seed=seed)
    scores, chosen = [], []
    for part in parts:
        train = named.take(part.train)
        best = of
        if grid:
            found = search(of, x, train, grid, preserve=preserve, folds=search_folds, by=by, seed=seed)
            best = found.best_for(len(train)) if "strength" in grid else found.best
        chosen.append({name: best.options[name] for name in grid or ()})
        scores.append(_judged(best, x, named, part, preserve, similarity, progress))
    tested = named.take(np.concatenate([part.test for part in parts]))
    credit, nll = np.concatenate(scores, axis=2)
    drawn: dict[str, Any] = {"replicates": replicates, "resample": resample, "level": level, "seed": seed}
    return HeldOutGain(
        method=of.method,
        **_means(credit, nll),
        difference=_difference(credit, tested, "odd-one-out accuracy", **drawn),
        nll_difference=_difference(nll, tested, "odd-one-out NLL", **drawn),
        similarity=similarity,
        by=by,
        folds=folds,
        trained_on=tuple(len(part.train) for part in parts),
        untested=len(named) - len(tested),
        chosen=tuple(chosen),
        trials=tested,
        credit=credit,
        trial_nll=nll,
    )


def _judged(
    of: TripletMap,
    x: Features,
    trials: Triplets,
    part: ObjectFold,
    preserve: Features | None,
    similarity: Similarity,
    progress: Progress | None,
) -> FloatArray:
    """`[credit or nats, before or after, trial]` of a fold's test trials."""
    train, test = trials.take(part.train), trials.take(part.test)
    fitted = of.fit(x, train, preserve=preserve, progress=progress)
    temperature, _ = score_triplets(x, train, similarity=similarity, replicates=0).best_temperature()
    before = score_triplets(x, test, similarity=similarity, temperature=temperature, replicates=0)
    after = score_triplets(fitted.transform(x), test, similarity="dot", temperature=of.temperature, replicates=0)
    return np.array([[before.credit, after.credit], [before.trial_nll, after.trial_nll]])


def _means(credit: FloatArray, nll: FloatArray) -> dict[str, float]:
    names = ("before", "after", "nll_before", "nll_after")
    return dict(zip(names, map(float, np.concatenate([credit, nll]).mean(axis=1)), strict=True))


def _difference(values: FloatArray, trials: Triplets, measure: str, *, replicates: int, resample: str, level: float, seed: int) -> Score:
    change = values[1] - values[0]
    ends: tuple[float | None, float | None] = (None, None)
    if replicates:
        means = resampled_means(change[None], trials, resample=resample, replicates=replicates, seed=seed)[:, 0]
        ends = tuple(map(float, interval(means, level)))  # type: ignore[assignment]
    return Score(
        value=float(change.mean()), low=ends[0], high=ends[1], n=len(trials), measure=measure, level=level, seed=seed, replicates=replicates
    )
