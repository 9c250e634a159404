"""How much of a classifier is said by a few queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray
from isomorph.errors import InputError
from isomorph.features import Features, relative
from isomorph.probes._examples import Examples, read_examples, split
from isomorph.probes._probe import Probe
from isomorph.probes._probe_result import ProbeResult
from isomorph.probes._ridge import fit_ridge

if TYPE_CHECKING:
    import pandas as pd

_MANY = 100  # queries whose pairs are all tried


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class QueryClassifier:
    """What `query_classifier` returns.

    Attributes:
        table: A row a set of features (`full`, `queries`, `best two queries`, `two principal components`): `features`, `width`,
            `accuracy`, `low`, `high` (on test stimuli), `share` (of the accuracy of all features), `alpha`, `left_out` (the accuracy in
            training, each stimulus left out).
        importances: A row a query: `query`, `importance` (mean absolute weight × the query's standard deviation in training),
            and a column `weight CLASS` for each class; the most important first.
        pair: The best two queries, chosen on the training stimuli.
        results: The probe of each set of features.
    """

    table: pd.DataFrame
    importances: pd.DataFrame
    pair: tuple[str, str] | None
    results: Mapping[str, ProbeResult]

    def __repr__(self) -> str:
        rows = self.table.to_dict("records")
        return "QueryClassifier(" + "; ".join(f"{row['features']} ({row['width']}) {row['accuracy']:.3f}" for row in rows) + ")"


def query_classifier(
    x: Features,
    queries: Features | Mapping[str, npt.ArrayLike] | Sequence[str],
    labels: Any,
    *,
    test: tuple[Features, Any] | float = 0.5,
    alphas: Sequence[float] = (1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3),
    replicates: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> QueryClassifier:
    """Read classes from cosines with queries, and compare with all features, the best two queries, and two principal components.

    Every classifier is ridge regression onto ±1 whose penalty has the least squared error with each training stimulus left out, as
    scikit-learn's `RidgeClassifierCV`. The best two queries are those with the least such error; principal components are those of the
    training stimuli.

    Args:
        x: `[stimulus, feature]`.
        queries: Anchors in the space of `x`, as `features.relative` takes them.
        labels: The class of each row, or a mapping from id to class.
        test: Features and labels of the test set, or the share of each class to hold out.
        alphas: The penalties to choose from.
        replicates: Of the bootstrap over test stimuli.
        level: The intervals' coverage.
        seed: Of the split.

    Raises:
        ShapeError: Queries live in another space than `x`.
        InputError: A row on either side is zero; there is one class only.
        IdError: A stimulus has no label.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x = Features(rng.normal(size=(80, 6)) + np.repeat(3 * np.eye(2, 6), 40, axis=0), tuple(map(str, range(80))))
        >>> found = query_classifier(x, {"one": np.eye(6)[0], "two": np.eye(6)[1], "other": np.eye(6)[5]}, ["a"] * 40 + ["b"] * 40)
        >>> sorted(found.pair), found.importances["query"].iloc[-1], found.results["queries"].top1 > 0.8
        (['one', 'two'], 'other', True)
    """
    import pandas as pd

    probe = Probe(kind="ridge", alphas=tuple(alphas), seeds=(seed,), replicates=replicates, level=level)
    train, held = _sets(x, labels, test, seed)
    near = [Features(each.x, each.ids or tuple(map(str, range(len(each))))) for each in (train, held)]
    anchors = queries if isinstance(queries, Features | Mapping | str) else x.take(queries)  # test stimuli need not hold them
    cosines = [relative(each, anchors) for each in near]
    names = cosines[0].feature_names
    sets = {"full": (train.x, held.x), "queries": (cosines[0].values, cosines[1].values)}
    fitted = fit_ridge(sets["queries"][0], train.y, len(train.classes), probe.alphas)
    at = _best_pair(cosines[0].values, train, probe.alphas or (), fitted.weights) if len(names) > 1 else None
    if at is not None:
        sets["best two queries"] = (cosines[0].values[:, at], cosines[1].values[:, at])
    if min(train.x.shape) > 1:
        sets["two principal components"] = _components(train.x, held.x)
    y = [np.asarray(each.classes)[each.y] for each in (train, held)]
    results = {name: probe.fit(before, y[0], test=(after, y[1])) for name, (before, after) in sets.items()}
    spread = cosines[0].values.std(axis=0)
    weights = pd.DataFrame(fitted.weights, columns=[f"weight {each}" for each in train.classes])
    weights.insert(0, "query", names)
    weights.insert(1, "importance", (np.abs(fitted.weights) * spread[:, None]).mean(axis=1))
    return QueryClassifier(
        table=pd.DataFrame([_row(name, result, sets[name][0].shape[1], results["full"].top1) for name, result in results.items()]),
        importances=weights.sort_values("importance", ascending=False, kind="stable").reset_index(drop=True),
        pair=None if at is None else (names[at[0]], names[at[1]]),
        results=results,
    )


def _sets(x: Features, labels: Any, test: Any, seed: int) -> tuple[Examples, Examples]:
    whole = read_examples(x, labels, name="training")
    if not isinstance(test, int | float):
        return whole, read_examples(test[0], test[1], name="test", classes=whole.classes)
    if not 0 < test < 1:
        raise InputError(f"test must be a share between 0 and 1, such as 0.5; got {test}.")
    keep, out = split(whole, float(test), seed=seed, why="the test")
    return whole.take(keep), whole.take(out)


def _best_pair(cosines: FloatArray, train: Examples, alphas: Sequence[float], weights: FloatArray) -> list[int]:
    """The two columns that classify best with each stimulus left out; of very many columns, among those with the largest weights."""
    size = (np.abs(weights) * cosines.std(axis=0)[:, None]).mean(axis=1)
    candidates = np.sort(np.argsort(-size, kind="stable")[:_MANY])
    tries = [
        (min(fit_ridge(cosines[:, list(pair)], train.y, len(train.classes), alphas).loss), pair) for pair in combinations(candidates, 2)
    ]
    return [int(each) for each in min(tries)[1]]


def _components(train: FloatArray, test: FloatArray) -> tuple[FloatArray, FloatArray]:
    mean = train.mean(axis=0, dtype=np.float64)
    centred = train - mean
    vectors = np.linalg.eigh(centred @ centred.T if len(train) < train.shape[1] else centred.T @ centred)[1]
    directions = centred.T @ vectors[:, -2:] if len(train) < train.shape[1] else vectors[:, -2:]
    directions = directions / np.maximum(np.linalg.norm(directions, axis=0), np.finfo(float).tiny)
    return centred @ directions, (test - mean) @ directions


def _row(name: str, result: ProbeResult, width: int, full: float) -> dict[str, Any]:
    alpha = result.chosen[0]["alpha"]
    left_out = next(each.accuracy for each in result.curve if each.options["alpha"] == alpha)
    low, high = result.intervals.get("top1", (np.nan, np.nan))
    return {
        **{"features": name, "width": width, "accuracy": result.top1, "low": low, "high": high},
        **{"share": result.top1 / full if full else np.nan, "alpha": alpha, "left_out": left_out},
    }
