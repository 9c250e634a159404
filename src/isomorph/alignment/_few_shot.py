"""How well classes are learned from a few examples each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isomorph.alignment._anomaly import check_members
from isomorph.alignment._neighbourhoods import unit_rows
from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import InputError
from isomorph.probes._logistic import logistic_path

_STRENGTHS = tuple(float(each) for each in 10.0 ** np.arange(-4, 7))


@dataclass(frozen=True, eq=False)
class Episode:
    """Rows to learn from, class by class with equally many each, and rows to be tested on."""

    train: IntArray
    test: IntArray


@dataclass(frozen=True, kw_only=True)
class FewShot:
    r"""Few-shot classification: `shots` examples of every class to learn from, others to be tested on, several times.

    Two learners: multinomial logistic regression, its C the one with the least cross-entropy when each example of a class is left out
    in turn (up to five folds); and the nearest neighbour by cosine. Features are centred and divided by one number from the training
    rows (their root mean square distance from the mean), so that a multiple of them is learned equally well. 1/classes is chance.

    With one shot no example can be left out to choose C by: it is 1 unless `strengths` holds one other number. The nearest neighbour is
    then the nearest class mean, too.

    Attributes:
        shots: How many of each class to learn from.
        tests: How many of each class to test on, at most.
        repetitions: How many such draws (episodes); features that are compared share them.
        strengths: The Cs to choose from.
        seed: Of the draws.

    References:
        The protocol of gLocal: Muttenthaler et al., 2023, <https://arxiv.org/abs/2306.04507>; there one repetition is the default.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(40, 4)) + 4 * np.repeat(np.eye(2, 4), 20, axis=0)
        >>> hits = FewShot(repetitions=3).hits(x, np.repeat([0, 1], 20), ("ant", "bee"))
        >>> {name: values.shape for name, values in hits.items()}
        {'few-shot logistic': (3, 40), 'few-shot 1-NN': (3, 40)}
    """

    shots: int = 5
    tests: int = 100
    repetitions: int = 10
    strengths: tuple[float, ...] = _STRENGTHS
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("shots", 1), ("tests", 1), ("repetitions", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise InputError(f"{name} of a few-shot test must be {least} or more; got {getattr(self, name)}.")
        if not self.strengths or not all(0 < each < np.inf for each in self.strengths):
            raise InputError(f"strengths must be one or more numbers above 0; got {self.strengths}.")
        strengths = (1.0,) if self.shots == 1 and self.strengths == _STRENGTHS else tuple(sorted(set(map(float, self.strengths))))
        if self.shots == 1 and len(strengths) > 1:
            raise InputError(f"one example of each class cannot say which of {len(strengths)} strengths is best; give one alone.")
        object.__setattr__(self, "strengths", strengths)

    def episodes(self, y: IntArray, classes: Sequence[str]) -> list[Episode]:
        """The draws for these labels.

        Raises:
            InputError: A class has fewer than `shots` + 1 members.
        """
        check_members(y, classes, self.shots + 1, f"a few-shot test learns from {self.shots} of every class and is tested on others")
        rng, members = np.random.default_rng([self.seed, 22]), [np.flatnonzero(y == each) for each in range(len(classes))]
        drawn = []
        for _ in range(self.repetitions):
            shuffled = [rng.permutation(rows) for rows in members]
            train = np.concatenate([rows[: self.shots] for rows in shuffled])
            drawn.append(Episode(train, np.concatenate([rows[self.shots : self.shots + self.tests] for rows in shuffled])))
        return drawn

    def hits(self, x: FloatArray, y: IntArray, classes: Sequence[str], *, ids: Sequence[str] | None = None) -> dict[str, FloatArray]:
        """Whether each stimulus was told right in each episode: `[episode, stimulus]`, 1 or 0, NaN where it was not tested.

        Args:
            x: `[stimulus, feature]`.
            y: The class of each row, as a number into `classes`.
            classes: The classes' names.
            ids: The stimuli's names, for messages.

        Raises:
            InputError: A class has fewer than `shots` + 1 members.
            ShapeError: A stimulus is zero and has no cosine.
        """
        units = unit_rows(x, ids=ids)
        logistic, nearest = np.full((2, self.repetitions, len(y)), np.nan)
        for at, episode in enumerate(self.episodes(y, classes)):
            train, test = episode.train, episode.test
            logistic[at, test] = self._logistic(x[train], y[train], x[test], len(classes)) == y[test]
            nearest[at, test] = y[train][(units[test] @ units[train].T).argmax(axis=1)] == y[test]
        name = "one-shot" if self.shots == 1 else "few-shot"
        return {f"{name} logistic": logistic, f"{name} 1-NN": nearest}

    def _logistic(self, train: FloatArray, y: IntArray, test: FloatArray, classes: int) -> IntArray:
        known, asked = _spanned(train.astype(np.float64), test)
        strength = self.strengths[0] if len(self.strengths) == 1 else self._best(known, y, classes)
        near = [each for each in self.strengths if each <= strength][-2:]  # begins where the one before ends, as the search did
        *_, fit = logistic_path(known, y, classes, near, tolerance=1e-5, max_iterations=500)
        predicted: IntArray = fit.log_probabilities(asked).argmax(axis=1)
        return predicted

    def _best(self, x: FloatArray, y: IntArray, classes: int) -> float:
        """The C with the least cross-entropy on examples left out: the rows of a class stand together, `shots` of them."""
        fold, loss = np.arange(len(y)) % self.shots % 5, np.zeros(len(self.strengths))
        for part in range(min(self.shots, 5)):
            keep, out = fold != part, fold == part
            path = logistic_path(x[keep], y[keep], classes, self.strengths, tolerance=1e-5, max_iterations=500)
            loss -= [fit.log_probabilities(x[out])[np.arange(out.sum()), y[out]].sum() for fit in path]
        return self.strengths[int(loss.argmin())]


def _spanned(train: FloatArray, test: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Coordinates within the span of the training rows: what is orthogonal to it gets no weight under a penalty on squares."""
    mean = train.mean(axis=0)
    left, sizes, basis = np.linalg.svd(train - mean, full_matrices=False)
    kept = sizes > sizes[0] * 1e-10 if sizes[0] else slice(0, 1)
    scale = np.sqrt((sizes**2).sum() / len(train)) or 1.0
    return left[:, kept] * (sizes[kept] / scale), (test - mean) @ (basis[kept].T / scale)
