"""Every measure in the registry keeps its word in both directions, and a liar is caught."""

import itertools
from dataclasses import dataclass, replace

import numpy as np
import pytest

from isomorph.geometry import Gram
from isomorph.measures import CKA, RBFCKA, Measure, MutualKNN, Traits, load_measure, registry
from isomorph.testing import check_measure

VARIANTS = [
    CKA(debiased=False),
    RBFCKA(sigma=3.0, sigma_unit="absolute"),
    RBFCKA(sigma_unit="root-median", debiased=False),
]


@pytest.mark.parametrize("name", registry.names())
def test_every_entry_keeps_its_word(name):
    measure = load_measure(name)
    check_measure(measure)
    assert measure.traits.misleads


@pytest.mark.parametrize("measure", VARIANTS, ids=repr)
def test_every_variant_keeps_its_word(measure):
    check_measure(measure)


CALLS = itertools.count()
HABITS = {
    "honest": CKA(),
    "upside down": lambda x, y: 1 - CKA()(x, y),
    "counts its calls": lambda x, y: CKA()(x, y) + 1e-6 * next(CALLS),
    "favours the first row": lambda x, y: CKA()(x, y) + 0.01 * float(np.tanh(x[0, 0] * y[0, 0])),
    "rounds": lambda x, y: CKA()(np.round(x, 1), y) if x.dtype == np.float32 else CKA()(x, y),
    "writes": lambda x, y: CKA()(np.subtract(x, x.mean(axis=0), out=x), y),
    "no number": lambda x, y: CKA()(x, y) if len(x) > 4 else float("nan"),
    "shifts where wide": lambda x, y: CKA()(x, y) + (0.01 * np.tanh(x.mean() * y.mean()) if x.shape[1] > len(x) else 0),
    "shifts y where many": lambda x, y: CKA()(x, y) + 0.01 * np.tanh(np.square(x).mean() * (y.mean() if len(x) > 50 else 1)),
    "prefers x where wide": lambda x, y: CKA()(x, y) + (0.01 * np.tanh(np.var(x) / np.var(y) - 1) if x.shape[1] > len(x) else 0),
    "counts neighbours": MutualKNN(k=2),
    "is length alone": lambda x, y: float(np.linalg.norm(x - x.mean(axis=0)) * np.linalg.norm(y - y.mean(axis=0))),
    "no number of what is flat": lambda x, y: CKA()(x, y) if np.ptp(x) else float("nan"),
}


@dataclass(frozen=True, kw_only=True)
class Liar(Measure):
    """Linear CKA with one claim or one habit changed."""

    claims: Traits
    habit: str = "honest"

    @property
    def traits(self):
        return self.claims

    def _value(self, x, y):
        return HABITS[self.habit](x, y)


TRUTH = replace(CKA().traits, bounds=(-2.0, 2.0))
COUNTS = MutualKNN(k=2).traits
LENGTHS = replace(TRUTH, bounds=(0.0, 1e9), invariant_to=frozenset({"shift", "rotation", "permutation"}), minimum_stimuli=3)
LIES = {
    "claims invariance to linear": Liar(claims=replace(TRUTH, invariant_to=TRUTH.invariant_to | {"linear"})),
    "does not claim invariance to shift": Liar(claims=replace(TRUTH, invariant_to=TRUTH.invariant_to - {"shift"})),
    "does not claim invariance to rotation": Liar(claims=replace(TRUTH, invariant_to=TRUTH.invariant_to - {"rotation"})),
    "does not claim to be symmetric": Liar(claims=replace(TRUTH, symmetric=False)),
    "invariance to linear of y": Liar(claims=replace(TRUTH, invariant_to_y=TRUTH.invariant_to | {"linear"})),
    "claims to depend on the order of the stimuli": Liar(claims=replace(TRUTH, ordered=True)),
    "claims the bounds 0.0 … 0.9": Liar(claims=replace(TRUTH, bounds=(0.0, 0.9))),
    "claims that lower is closer": Liar(claims=replace(TRUTH, higher_is_closer=False)),
    "claims that higher is closer": Liar(claims=TRUTH, habit="upside down"),
    "claims to be a metric, whose values are distances": Liar(claims=replace(TRUTH, metric=True)),
    "claims to need 3 stimuli, but refuses that many": Liar(claims=replace(TRUTH, minimum_stimuli=3)),
    "claims to need 4 stimuli, but gives no number": Liar(claims=TRUTH, habit="no number"),
    "for the same input": Liar(claims=TRUTH, habit="counts its calls"),
    "depends on the order of the stimuli": Liar(claims=TRUTH, habit="favours the first row"),
    "in float64 but": Liar(claims=TRUTH, habit="rounds"),
    "changes its input x": Liar(claims=TRUTH, habit="writes"),
    "claims invariance to shift of x": Liar(claims=replace(TRUTH, invariant_to=TRUTH.invariant_to - {"scale"}), habit="shifts where wide"),
    "claims invariance to shift of y": Liar(
        claims=replace(TRUTH, symmetric=False, invariant_to=TRUTH.invariant_to - {"shift", "scale"}, invariant_to_y=TRUTH.invariant_to),
        habit="shifts y where many",
    ),
    "claims to be symmetric": Liar(claims=replace(TRUTH, invariant_to=TRUTH.invariant_to - {"scale"}), habit="prefers x where wide"),
    "does not claim invariance to rotation of x": Liar(
        claims=replace(COUNTS, invariant_to=frozenset({"scale"})), habit="counts neighbours"
    ),
    "does not claim to be symmetric, yet of several pairs all are": Liar(
        claims=replace(COUNTS, symmetric=False), habit="counts neighbours"
    ),
    "claims that higher is closer, but x scores": Liar(claims=LENGTHS, habit="is length alone"),
    "for features that do not vary": Liar(claims=TRUTH, habit="no number of what is flat"),
}


@dataclass(frozen=True, kw_only=True)
class WrongReplicates(CKA):
    def replicates(self, x, y, weights):
        return super().replicates(x, y, weights) + 0.01


@dataclass(frozen=True, kw_only=True)
class WrongMatrix(CKA):
    def matrix(self, things):
        return np.ones((len(things), len(things)))


@dataclass(frozen=True, kw_only=True)
class WrongPermutations(CKA):
    def permuted(self, x, y, orders):
        return np.full(len(orders), self.between(x, y))


@dataclass(frozen=True, kw_only=True)
class WrongGram(CKA):
    def _value(self, x, y):
        return super()._value(x, y) * (0.9 if isinstance(x, Gram) else 1.0)


SHORTCUTS = {
    "as the replicate in which every stimulus is drawn once": WrongReplicates(),
    "in the matrix of all pairs": WrongMatrix(),
    "as a permutation": WrongPermutations(),
    "for their Gram matrix": WrongGram(),
}


@pytest.mark.parametrize("lie", SHORTCUTS)
def test_shortcuts_that_lead_elsewhere_are_caught(lie):
    with pytest.raises(AssertionError, match=lie):
        check_measure(SHORTCUTS[lie])


def test_without_a_lie_there_is_nothing_to_catch():
    check_measure(Liar(claims=TRUTH))


@pytest.mark.parametrize("lie", LIES)
def test_liars_are_caught(lie):
    with pytest.raises(AssertionError) as caught:
        check_measure(LIES[lie])
    assert lie in str(caught.value)


def test_a_distance_that_breaks_the_triangle_inequality_is_caught():
    @dataclass(frozen=True, kw_only=True)
    class SquaredGap(Measure):
        @property
        def traits(self):
            return Traits(
                bounds=(0.0, 1e9), higher_is_closer=False, metric=True, invariant_to=frozenset({"permutation", "shift", "rotation"})
            )

        def _value(self, x, y):
            spreads = [each @ each.T - np.outer(np.ones(len(each)), each.mean(0) @ each.T) for each in (x - x.mean(0), y - y.mean(0))]
            return float(np.square(spreads[0] - spreads[1]).sum())

    with pytest.raises(AssertionError, match="exceeds"):
        check_measure(SquaredGap())
