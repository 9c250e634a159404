"""The contract of a measure, for authors of plugins."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.errors import InputError, NonFiniteError, ShapeError
from isomorph.geometry import Gram
from isomorph.measures import Change, Measure

_STIMULI, _FEATURES = 24, 7
_WIDTHS = [width + more for width in (_FEATURES, 2 * _STIMULI) for more in (0, 2)]
_MANY = 1200
_NOISES = 5
_TOLERANCE = 1e-7


def check_measure(measure: Measure, *, seed: int = 0) -> None:
    """Hold a measure to every claim of its traits, in both directions.

    A claimed invariance or symmetry must hold on every one of a few inputs (fewer and more features than stimuli, fewer and more
    stimuli), and one that is not claimed must fail on one of them at least (a count of neighbours may come out the same by accident): an
    honest measure says all that it ignores.
    Beside that: values within the bounds, nothing closer to x than x, noisy copies closer than noisier ones, no undeclared dependence on
    the order of the stimuli, equal results for equal input, input left as it was, float32 close to float64, the declared minimum of
    stimuli, clear errors for NaN and for rows that do not match, a number or an error for features that do not vary, the same value by
    every way that it overrides (`replicates`, `matrix`, `permuted`, Gram matrices), and the triangle inequality where it claims to be a
    metric.

    Args:
        measure: The measure, with its options.
        seed: Of the random features.

    Raises:
        AssertionError: A claim does not hold; the message says which, with the numbers.

    Example:
        >>> from isomorph.measures import RSA
        >>> check_measure(RSA(distance="euclidean", comparison="spearman"))
    """
    rng = np.random.default_rng(seed)
    x, y = _features(rng, _STIMULI)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        _check_values(measure, x, y, rng)
        _check_invariances(measure, x, y, rng)
        _check_direction(measure, x, rng)
        _check_input(measure, x, y)
        _check_shortcuts(measure, x, y)
        if measure.traits.metric:
            _check_metric(measure, rng)


def _features(rng: np.random.Generator, stimuli: int, width: int = _FEATURES) -> tuple[FloatArray, FloatArray]:
    size = np.sqrt(_FEATURES / width)  # kernels of an absolute width are to see distances of one size
    x = rng.normal(size=(stimuli, width)) * np.linspace(0.5, 2.0, width) * size + 0.3
    return x, (x @ rng.normal(size=(width, width + 2)) + 1.5 * rng.normal(size=(stimuli, width + 2))) * size


def _others() -> Iterator[tuple[FloatArray, FloatArray]]:
    """Further inputs: a claim must hold on all, and a change that is not claimed may show where it did not at first."""
    shapes = (_STIMULI, _FEATURES), (_STIMULI, 2 * _STIMULI), (3 * _STIMULI, _FEATURES)
    return (_features(np.random.default_rng([seed, *shape]), *shape) for seed in range(3) for shape in shapes)


def _holds(before: Callable[[FloatArray, FloatArray], float], after: Callable[[FloatArray, FloatArray], float]) -> bool:
    return all(_same(after(x, y), before(x, y)) for x, y in _others())


def _check_values(measure: Measure, x: FloatArray, y: FloatArray, rng: np.random.Generator) -> None:
    name, traits = _name(measure), measure.traits
    value = measure(x, y)
    low, high = traits.bounds
    for each in (value, measure(x, x), measure(x, rng.normal(size=y.shape))):
        _require(low - _TOLERANCE <= each <= high + _TOLERANCE, f"{name} claims the bounds {low} … {high}, but gave {each}.")
    _require(measure(x, y) == value, f"{name} gave {value} and then {measure(x, y)} for the same input.")
    _check_order(measure, x, y, rng)
    single = measure(x.astype(np.float32), y.astype(np.float32))
    _require(abs(single - value) < 1e-4 * max(1.0, abs(value)), f"{name} gives {value} in float64 but {single} in float32.")
    symmetric = _holds(measure, lambda x, y: measure(y, x)) and _same(measure(y, x), value)
    says, found = ("claims", "some are not") if traits.symmetric else ("does not claim", "all are")
    _require(
        symmetric == traits.symmetric,
        f"{name} {says} to be symmetric, yet of several pairs {found}; the first gave {value} and {measure(y, x)}.",
    )


def _check_order(measure: Measure, x: FloatArray, y: FloatArray, rng: np.random.Generator) -> None:
    if measure.traits.ordered:  # batches may be longer than the few stimuli here
        x, y = (np.concatenate([each + rng.normal(size=each.shape) for _ in range(_MANY // len(each))]) for each in (x, y))
    order = rng.permutation(len(x))
    value, shuffled = measure(x, y), measure(x[order], y[order])
    claims = "claims to depend" if measure.traits.ordered else "depends"
    _require(
        _same(shuffled, value) != measure.traits.ordered,
        f"{_name(measure)} {claims} on the order of the stimuli: {value} became {shuffled} in another order.",
    )


def _check_invariances(measure: Measure, x: FloatArray, y: FloatArray, rng: np.random.Generator) -> None:
    traits = measure.traits
    of_y = traits.invariant_to if traits.invariant_to_y is None else traits.invariant_to_y
    _check_changes(measure, x, y, traits.invariant_to, "x", rng)
    _check_changes(measure, x, y, of_y, "y", rng)


def _check_changes(
    measure: Measure, x: FloatArray, y: FloatArray, claims: frozenset[Change], letter: str, rng: np.random.Generator
) -> None:
    turns = {width: np.linalg.qr(rng.normal(size=(width, width)))[0] for width in _WIDTHS}
    changes: dict[Change, Callable[[FloatArray], FloatArray]] = {
        "shift": lambda z: z + np.linspace(-3, 4, z.shape[1]),
        "scale": lambda z: 3.7 * z,
        "rotation": lambda z: z @ turns[z.shape[1]],
        "linear": lambda z: z @ (turns[z.shape[1]] * np.linspace(0.2, 3, z.shape[1])) @ turns[z.shape[1]],
        "permutation": lambda z: z[:, np.roll(np.arange(z.shape[1]), 2)],
    }
    for change, apply in changes.items():

        def after(x: FloatArray, y: FloatArray, apply: Callable[[FloatArray], FloatArray] = apply) -> float:
            return measure(apply(x), y) if letter == "x" else measure(x, apply(y))

        value, other, claimed = measure(x, y), after(x, y), change in claims
        held = _same(other, value) and _holds(measure, after)
        says, found = ("claims", "of several values some changed") if claimed else ("does not claim", "of several values none changed")
        _require(
            held == claimed,
            f"{_name(measure)} {says} invariance to {change} of {letter}, yet {found}; the first went from {value} to {other}.",
        )


def _check_direction(measure: Measure, x: FloatArray, rng: np.random.Generator) -> None:
    name, sign = _name(measure), 1 if measure.traits.higher_is_closer else -1
    noises = rng.normal(size=(_NOISES, *x.shape))

    def scores(scaled: bool) -> list[float]:
        """Mean likeness of x to copies with no, little and much noise; `scaled`: brought to the length of x."""
        length = np.linalg.norm(x - x.mean(axis=0))
        copies = [[x + level * noise for noise in noises] for level in (0.0, 0.3, 5.0)]
        if scaled:
            copies = [[each * (length / np.linalg.norm(each - each.mean(axis=0))) for each in same] for same in copies]
        return [sign * float(np.mean([measure(x, each) for each in same])) for same in copies]

    same, near, far = scores(scaled=False)
    if not same >= near > far + _TOLERANCE:  # noise also adds length, which a plain product counts for likeness
        same, near, far = scores(scaled=True)
    word = "higher" if sign > 0 else "lower"
    _require(
        same >= near > far + _TOLERANCE,
        f"{name} claims that {word} is closer, but x scores {sign * same} with itself, {sign * near} with a slightly and {sign * far} "
        f"with a very noisy copy (means of {_NOISES}).",
    )


def _check_input(measure: Measure, x: FloatArray, y: FloatArray) -> None:
    name, fewest = _name(measure), measure.traits.minimum_stimuli
    before = x.copy(), y.copy()
    measure(x, y)
    _require(np.array_equal(x, before[0]), f"{name} changes its input x.")
    _require(np.array_equal(y, before[1]), f"{name} changes its input y.")
    try:
        enough = np.isfinite(measure(x[:fewest], y[:fewest]))
    except InputError as error:
        raise AssertionError(f"{name} claims to need {fewest} stimuli, but refuses that many: {error}") from error
    _require(bool(enough), f"{name} claims to need {fewest} stimuli, but gives no number for that many.")
    _must_raise(ShapeError, lambda: measure(x[: fewest - 1], y[: fewest - 1]), f"{name} with {fewest - 1} stimuli, one below its minimum,")
    _must_raise(ShapeError, lambda: measure(x, y[:-1]), f"{name} with rows that do not match")
    broken = x.copy()
    broken[3, 2] = np.nan
    _must_raise(NonFiniteError, lambda: measure(broken, y), f"{name} with a NaN in x")
    try:  # 0.7, since the mean of a hundred 0.7 is not 0.7
        flat = measure(np.full((100, _FEATURES), 0.7), np.resize(y, (100, _FEATURES)))
    except InputError:
        return
    _require(bool(np.isfinite(flat)), f"{name} gives {flat} for features that do not vary, which should be a number or an InputError.")


def _check_shortcuts(measure: Measure, x: FloatArray, y: FloatArray) -> None:
    """What a measure may override must give what calling it gives."""
    name, value = _name(measure), measure(x, y)
    first, second = measure.meet(x, y)
    once = float(measure.replicates(first, second, np.ones((1, len(x)), dtype=np.int64))[0])
    _require(_same(once, value), f"{name} gave {value}, but {once} as the replicate in which every stimulus is drawn once.")
    pairs = measure.matrix([first, second])
    _require(_same(float(pairs[0, 1]), value), f"{name} gave {value}, but {pairs[0, 1]} in the matrix of all pairs.")
    order = np.roll(np.arange(len(x)), 5)
    expected, permuted = measure(x, y[order]), float(measure.permuted(first, second, order[None])[0])
    _require(_same(permuted, expected), f"{name} gave {expected} for reordered stimuli, but {permuted} as a permutation.")
    for kind in measure.accepts:
        if kind is Gram:
            related = measure(Gram.from_features(x), y)
            _require(_same(related, value), f"{name} gave {value} for features, but {related} for their Gram matrix.")


def _check_metric(measure: Measure, rng: np.random.Generator) -> None:
    name = _name(measure)
    _require(not measure.traits.higher_is_closer, f"{name} claims to be a metric, whose values are distances, and that higher is closer.")
    for _ in range(20):
        x, y, z = (rng.normal(size=(_STIMULI, _FEATURES)) * rng.uniform(0.2, 3, _FEATURES) for _ in range(3))
        y = x + rng.uniform(0.05, 2) * y
        z = y + rng.uniform(0.05, 2) * z
        direct, through = measure(x, z), measure(x, y) + measure(y, z)
        _require(direct <= through + 1e-6, f"{name} claims to be a metric, but d(x, z) = {direct} exceeds d(x, y) + d(y, z) = {through}.")
        _require(measure(x, x) < 1e-5, f"{name} claims to be a metric, but d(x, x) = {measure(x, x)}.")


def _require(condition: bool, claim: str) -> None:
    if not condition:
        raise AssertionError(claim)


def _must_raise(kind: type[Exception], action: Callable[[], object], what: str) -> None:
    try:
        action()
    except kind:
        return
    except Exception as error:
        raise AssertionError(f"{what} must raise {kind.__name__}; it raised {type(error).__name__}: {error}") from error
    raise AssertionError(f"{what} must raise {kind.__name__}; it raised nothing.")


def _same(a: float, b: float) -> bool:
    return abs(a - b) <= _TOLERANCE * max(1.0, abs(b))


def _name(measure: Measure) -> str:
    return repr(measure)
