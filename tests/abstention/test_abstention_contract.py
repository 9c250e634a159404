"""Every method keeps one contract: higher means abstain, one item at a time, float64, blocks of any size."""

import numpy as np
import pytest

from isomorph.abstention import AbstentionMethod, _values, list_methods, load_method, registry
from isomorph.errors import InputError, NonFiniteError

CLASSES = 4
OPTIONS = {"knn": {"k": 5}, "tapudd": {"components": (1, 2, 4)}, "odin": {"temperature": 2.0}, "openmax": {"alpha": 4}}


def items(reads: str, n: int, *, strange: bool, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Items of four classes, and ones that are like none: between all, far from all, or answered otherwise each time."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % CLASSES
    if reads == "features":
        x = rng.normal(size=(n, 6)) + 12 * np.eye(CLASSES, 6)[labels]
        return (rng.normal(size=(n, 6)) - 9 if strange else x), labels
    logits = 8 * np.eye(CLASSES)[labels] * (0.05 if strange else 1) + rng.normal(size=(n, CLASSES)) * 0.3
    labels = np.where(np.arange(n) % 20 == 7, 0, labels)  # some answers are wrong, as some always are
    if reads == "logits":
        return logits, labels
    return np.stack([logits + rng.normal(size=logits.shape) * 0.2 for _ in range(3)]), labels


@pytest.fixture(params=list_methods())
def method(request: pytest.FixtureRequest) -> AbstentionMethod:
    return load_method(request.param, **OPTIONS.get(request.param, {}))


def take(values: np.ndarray, rows: slice) -> np.ndarray:
    return values[:, rows] if values.ndim == 3 else values[rows]


def fitted(method: AbstentionMethod):
    return method.fit(*items(method.reads, 160, strange=False, seed=0))


def test_what_is_strange_scores_higher_than_what_is_familiar(method: AbstentionMethod) -> None:
    scorer = fitted(method)
    usual, strange = (scorer.score(items(method.reads, 40, strange=each, seed=1)[0]) for each in (False, True))
    assert usual.dtype == strange.dtype == np.float64
    assert usual.shape == strange.shape == (40,)
    assert (strange[:, None] > usual).mean() > 0.75  # inverted, it would be below a quarter


def test_an_items_score_is_its_own(method: AbstentionMethod, monkeypatch: pytest.MonkeyPatch) -> None:
    scorer = fitted(method)
    values, _ = items(method.reads, 70, strange=False, seed=2)
    together = scorer.score(values)
    alone = np.concatenate([scorer.score(take(values, slice(row, row + 1))) for row in range(5)])
    np.testing.assert_allclose(alone, together[:5], rtol=1e-9)
    monkeypatch.setattr(_values, "_BLOCK_VALUES", 1)  # 16 rows a block
    np.testing.assert_allclose(scorer.score(values), together, rtol=1e-9)
    np.testing.assert_allclose(fitted(method).score(values), together, rtol=1e-9)


def test_single_precision_gives_the_same_scores(method: AbstentionMethod) -> None:
    values, labels = items(method.reads, 160, strange=False, seed=0)
    double, single = (method.fit(values.astype(kind), labels).score(values.astype(kind)) for kind in ("float64", "float32"))
    assert single.dtype == np.float64
    np.testing.assert_allclose(single, double, rtol=2e-4, atol=2e-6)


def test_nan_is_refused(method: AbstentionMethod) -> None:
    values, labels = items(method.reads, 160, strange=False, seed=0)
    scorer = method.fit(values, labels)
    values[..., 3, 1] = np.nan
    with pytest.raises(NonFiniteError, match=f"the array of {method.reads} has .* NaN or infinite"):
        scorer.score(values)
    if method.learns:
        with pytest.raises(NonFiniteError, match="NaN or infinite"):
            method.fit(values, labels)


def test_one_that_learns_must_be_fitted_first(method: AbstentionMethod) -> None:
    values, labels = items(method.reads, 160, strange=False, seed=0)
    if not method.learns:
        assert method.fit(values, labels) is method
        return
    with pytest.raises(InputError, match=r"has learned nothing yet\. Score with what .*\.fit\("):
        method.score(values)


def test_the_registry_declares_what_methods_are(method: AbstentionMethod) -> None:
    entry = next(each for each in registry if each.load() is type(method))
    assert entry.facts == {"reads": method.reads, "learns": method.learns}
