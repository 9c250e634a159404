"""What may be encoded, as layers in order: their Gram matrices and, where needed and had, their features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from isomorph.arrays import check_finite
from isomorph.errors import InputError, ShapeError
from isomorph.features import Features
from isomorph.geometry import Gram

Source: TypeAlias = Features | Gram


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer of a model, not yet read."""

    name: str
    index: int
    depth: float
    load: Callable[[], Source]

    def read(self, ids: Sequence[str]) -> LayerRelations:
        """Of the stimuli `ids`.

        Raises:
            IdError: It lacks a stimulus.
            NonFiniteError: A value is NaN or infinite.
        """
        found = self.load()
        if not isinstance(found, Features | Gram):
            raise InputError(f"layer {self.name!r} is a {type(found).__name__}; encode takes Features, a Gram, or a mapping of layers.")
        found = found.take(ids)
        if isinstance(found, Gram):
            check_finite(found.centred, name=f"the Gram matrix of {self.name!r}", ids=found.ids)
        return LayerRelations(found)


@dataclass(eq=False)
class LayerRelations:
    """A layer's stimuli, as given and as inner products, which are made once and when they are needed."""

    given: Source
    _gram: Gram | None = None

    @property
    def gram(self) -> Gram:
        """Inner products of all stimuli."""
        if self._gram is None:
            self._gram = self.given if isinstance(self.given, Gram) else Gram.from_features(self.given)
        return self._gram

    def part(self, ids: Sequence[str]) -> Gram:
        """Inner products of some stimuli."""
        return self.gram.take(ids)

    def features(self, why: str) -> Features:
        """The features.

        Raises:
            InputError: There is but a Gram matrix.
        """
        if isinstance(self.given, Features):
            return self.given
        raise InputError(
            f"{why} needs the features themselves, but {self.given.name} is a Gram matrix. Extract features, or choose projection=None and "
            "Ridge(standardise=False), which inner products are enough for."
        )

    def coordinates(self) -> Features:
        """The features, or where there is but a Gram matrix, coordinates with the same inner products (all that a rotation leaves)."""
        if isinstance(self.given, Features):
            return self.given
        values, vectors = np.linalg.eigh(self.gram.centred)
        kept = values > 1e-12 * values[-1]
        return Features(vectors[:, kept] * np.sqrt(values[kept]), self.gram.ids, self.gram.layer, self.gram.subject)


def is_constant(gram: Gram) -> bool:
    """Whether it does not tell its stimuli apart."""
    squares = np.diagonal(gram.centred)
    size = float(squares.mean()) + abs(float(gram.mean_product.mean()))
    return bool(squares.max(initial=0.0) <= 1e-12 * size) if size else True


def layers_of(x: Any) -> tuple[str, list[Layer]]:
    """The model's name and its layers, in order."""
    if isinstance(x, Features | Gram):
        return x.subject, [Layer(x.layer, 0, 0.0, lambda: x)]
    if not isinstance(x, Mapping):
        raise InputError(f"encode takes Features, a Gram, or a mapping of layers to these (an extraction); got {type(x).__name__}.")
    if not x:
        raise ShapeError("there is no layer to encode: the mapping is empty.")
    places = {each.name: (each.index, each.depth) for each in getattr(x, "layers", ())}
    last = max(len(x) - 1, 1)
    layers = [Layer(str(name), *places.get(name, (at, at / last)), _loader(x, name)) for at, name in enumerate(x)]
    return _model_name(x), layers


def _loader(x: Mapping[str, Source], name: str) -> Callable[[], Source]:
    return lambda: x[name]


def _model_name(x: Mapping[str, Source]) -> str:
    provenance = getattr(x, "provenance", {})
    if provenance.get("model_name"):
        return str(provenance["model_name"])
    return str(getattr(next(iter(x.values())), "subject", ""))
