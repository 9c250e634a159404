"""Features with labels: met, checked and split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from isomorph.arrays import FloatArray, IntArray, as_floats, check_finite
from isomorph.errors import IdError, InputError, ShapeError
from isomorph.features import Features

Normalise = Literal["none", "l2", "z-score"]


@dataclass(frozen=True, eq=False)
class Examples:
    """`x` `[stimulus, feature]` and the class of each row, as numbers into `classes`."""

    x: FloatArray
    y: IntArray
    classes: tuple[str, ...]
    ids: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: IntArray) -> Examples:
        """Some of the rows, of the same classes."""
        return replace(self, x=self.x[rows], y=self.y[rows], ids=None if self.ids is None else tuple(self.ids[row] for row in rows))


def read_examples(x: Features | Any, labels: Any, *, name: str, classes: tuple[str, ...] | None = None) -> Examples:
    """Meet features and labels: by id where both have ids, else row by row.

    Raises:
        ShapeError: There are not as many labels as rows.
        IdError: A stimulus has no label.
        NonFiniteError: A feature is NaN or infinite.
        InputError: A label is missing, there is one class only, or a label is none of `classes`.
    """
    ids = x.ids if isinstance(x, Features) else None
    values = as_floats(x.values if isinstance(x, Features) else x, name=f"the {name} set", ndim=2)
    check_finite(values, name=f"the {name} set", ids=ids)
    texts = [_text(each, row, name) for row, each in enumerate(_in_order(labels, ids, name))]
    if len(texts) != len(values):
        raise ShapeError(f"the {name} features have {len(values)} rows, but there are {len(texts)} labels.")
    if not texts:
        raise InputError(f"the {name} set is empty.")
    known = classes or _ordered(set(texts))
    if len(known) < 2:
        raise InputError(f"a probe needs at least 2 classes; all {len(texts)} {name} labels are {texts[0]!r}.")
    number = {each: index for index, each in enumerate(known)}
    unknown = sorted(set(texts) - set(known))
    if unknown:
        raise InputError(
            f"{len(unknown)} classes of the {name} labels are not among the {len(known)} classes trained on; the first is {unknown[0]!r}."
        )
    return Examples(values, np.array([number[each] for each in texts], dtype=np.int64), known, ids)


def _in_order(labels: Any, ids: tuple[str, ...] | None, name: str) -> Sequence[Any]:
    """The labels as a list; a mapping, or a pandas series whose index holds names, meets the ids."""
    if hasattr(labels, "items") and not isinstance(labels, Mapping):
        pairs = [(str(key), value) for key, value in labels.items()]
        if ids is None or [key for key, _ in pairs] == list(map(str, range(len(pairs)))):
            return [value for _, value in pairs]
        labels = dict(pairs)
    if not isinstance(labels, Mapping):
        return list(labels)
    if ids is None:
        raise InputError(
            f"the {name} labels are named, but the features are not: pass Features with ids, or labels in the order of the rows."
        )
    by_id = {str(key): value for key, value in labels.items()}
    lacking = [each for each in ids if each not in by_id]
    if lacking:
        raise IdError(f"{len(lacking)} of the {len(ids)} stimuli of the {name} set have no label; the first is {lacking[0]!r}.")
    return [by_id[each] for each in ids]


def _text(label: Any, row: int, name: str) -> str:
    if label is None or label != label:  # noqa: PLR0124 - NaN alone differs from itself
        raise InputError(f"the {name} labels have none in row {row}; leave that stimulus out, or give it a class of its own.")
    if isinstance(label, float | np.floating):
        if not float(label).is_integer():
            raise InputError(f"the {name} labels hold {label} in row {row}; classes are strings or whole numbers.")
        return str(int(label))
    return str(label)


def _ordered(texts: set[str]) -> tuple[str, ...]:
    """Numbers by value, words by letter."""
    try:
        return tuple(sorted(texts, key=lambda text: (int(text), text)))
    except ValueError:
        return tuple(sorted(texts))


def normalise(train: Examples, test: Examples, how: Normalise) -> tuple[Examples, Examples]:
    """Scale rows to unit length, or columns to mean 0 and variance 1 on the training set; what does not vary is left as it is."""
    if how == "none":
        return train, test
    if how == "l2":
        return tuple(replace(each, x=each.x / _nonzero(np.linalg.norm(each.x, axis=1, keepdims=True))) for each in (train, test))  # type: ignore[return-value]
    mean = train.x.mean(axis=0, dtype=np.float64).astype(train.x.dtype)
    scale = _nonzero(train.x.std(axis=0, dtype=np.float64)).astype(train.x.dtype)
    return replace(train, x=(train.x - mean) / scale), replace(test, x=(test.x - mean) / scale)


def _nonzero(values: FloatArray) -> FloatArray:
    return np.where(values == 0, 1, values).astype(values.dtype, copy=False)


def split(examples: Examples, fraction: float, *, seed: int, why: str) -> tuple[IntArray, IntArray]:
    """Rows to keep and rows to hold out: of every class the nearest whole number to `fraction`, at least one on either side.

    Raises:
        InputError: A class has fewer than two examples.
    """
    counts = Counter(examples.y.tolist())
    poor = sorted((count, number) for number, count in counts.items() if count < 2)
    if poor:
        raise InputError(
            f"{len(poor)} of {len(examples.classes)} classes have fewer than 2 examples, too few to hold some out for {why}; "
            f"the first is {examples.classes[poor[0][1]]!r} with {poor[0][0]}. Leave these classes out, or give them more."
        )
    rng = np.random.default_rng([seed, 20])
    held = []
    for number in sorted(counts):
        rows = np.flatnonzero(examples.y == number)
        held.append(rng.permutation(rows)[: min(max(round(fraction * len(rows)), 1), len(rows) - 1)])
    out = np.sort(np.concatenate(held))
    keep = np.ones(len(examples), dtype=bool)
    keep[out] = False
    return np.flatnonzero(keep), out
