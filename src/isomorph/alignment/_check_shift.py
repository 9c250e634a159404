"""Are classes learned from some of their kinds known again in others?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from isomorph.alignment._anomaly import deal
from isomorph.alignment._check_probe import probe_hits
from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import InputError
from isomorph.probes import Probe
from isomorph.probes._examples import Examples


@dataclass(frozen=True, kw_only=True)
class SubclassShift:
    """A linear probe learns superclasses from some of their subclasses, and is asked about subclasses that it has never met.

    Subclasses are dealt into `folds`, superclass by superclass; each is asked about once, by the probe that learned from the other folds.
    Beside it stands the same probe with *stimuli* dealt into as many folds, so that it has met all subclasses. Figures are means over
    subclasses, and subclasses are what the bootstrap draws.

    Attributes:
        folds: How many; 2 leaves half of the subclasses to learn from, as BREEDS' source and target do.
        superclass: Subclass → superclass, where labels are subclasses; None: labels are `superclass/subclass`.
        seed: Of the dealing.

    References:
        Santurkar, Tsipras and Madry, 2021, BREEDS, <https://arxiv.org/abs/2008.04859>.

    Example:
        >>> SubclassShift().superclasses(("dog/pug", "dog/collie", "cat/tabby", "cat/persian"))
        ('dog', 'dog', 'cat', 'cat')
    """

    folds: int = 2
    superclass: Mapping[str, str] | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.folds < 2 or self.seed < 0:
            raise InputError(f"a subclass shift needs 2 or more folds and a seed of 0 or more; got {self.folds} and {self.seed}.")

    def superclasses(self, classes: tuple[str, ...]) -> tuple[str, ...]:
        """The superclass of each class.

        Raises:
            InputError: Labels have one level alone, a superclass has fewer than two subclasses, or there is one superclass alone.
        """
        if self.superclass is None:
            found = tuple(each.partition("/")[0] if "/" in each.strip("/") else "" for each in classes)
            how = "a subclass shift needs labels of two levels, 'superclass/subclass'"
        else:
            found = tuple(self.superclass.get(each, "") for each in classes)
            how = "a subclass shift needs the superclass of every class"
        lacking = [name for name, each in zip(classes, found, strict=True) if not each]
        if lacking:
            raise InputError(f"{how}; {len(lacking)} of {len(classes)} have none, the first is {lacking[0]!r}.")
        names, counts = np.unique(found, return_counts=True)
        if len(names) < 2:
            raise InputError(f"a subclass shift needs two or more superclasses; all {len(classes)} classes are of {str(names[0])!r}.")
        if counts.min() < 2:
            poor = names[counts < 2]
            raise InputError(
                f"a subclass shift learns from some subclasses and asks about others; {len(poor)} of {len(names)} superclasses have one "
                f"alone, the first is {str(poor[0])!r}. Leave these out."
            )
        return found

    def hits(self, probe: Probe, x: FloatArray, examples: Examples) -> dict[str, FloatArray]:
        """The accuracy on each subclass, `[subclass]`: of a probe that has met it, and of one that has not."""
        of = self.superclasses(examples.classes)
        names = tuple(sorted(set(of)))
        upper = np.array([names.index(each) for each in of])
        coarse = replace(examples, y=upper[examples.y], classes=names)
        by_subclass = self._dealt(upper)[examples.y]
        answers = {
            "superclass probe, met subclasses": deal(examples.y, self.folds, self.seed),
            "superclass probe, unmet subclasses": by_subclass,
        }
        counts = np.bincount(examples.y, minlength=len(of))
        return {
            question: np.bincount(examples.y, weights=probe_hits(probe, x, coarse, fold), minlength=len(of)) / counts
            for question, fold in answers.items()
        }

    def _dealt(self, upper: IntArray) -> IntArray:
        """`[subclass]`: its fold; every superclass begins at fold 0, so that each has subclasses to learn from in every fold."""
        fold, rng = np.empty(len(upper), dtype=np.int64), np.random.default_rng([self.seed, 24])
        for each in np.unique(upper):
            own = rng.permutation(np.flatnonzero(upper == each))
            fold[own] = np.arange(len(own)) % self.folds
        return fold
