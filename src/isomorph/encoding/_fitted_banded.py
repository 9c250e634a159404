"""A ridge regression from several feature spaces that was fitted: predictions, and what each space has to do with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray
from isomorph.encoding._centred_gram import CentredGram
from isomorph.encoding._paired import Source
from isomorph.encoding._penalty_notes import penalty_notes, share_at_edge
from isomorph.encoding._responses import response_values
from isomorph.errors import InputError, ShapeError
from isomorph.features import Features

if TYPE_CHECKING:
    from isomorph.encoding._banded_ridge import BandedRidge


@contextmanager
def named_space(name: str) -> Iterator[None]:
    """What is wrong with a space is said with its name."""
    try:
        yield
    except InputError as error:
        raise type(error)(f"space {name!r}: {error}") from error


New: TypeAlias = Mapping[str, Features | npt.ArrayLike | Sequence[str]] | Sequence[str]


@dataclass(frozen=True, eq=False, repr=False)
class FittedBanded:
    """What `BandedRidge.fit` returns.

    Attributes:
        options: The `BandedRidge` it comes from.
        spaces: Their names.
        alphas: The penalty of each unit `[unit]`.
        weights: Of each space for each unit `[space, unit]`; they sum to 1 over spaces.
        scores: What `options.select` said of that penalty and those weights `[unit]`.
        mean: The mean response of each unit `[unit]`, float64.
        ids: The training stimuli, where they have ids.
        subject: Whose responses these are.
        features: The training features of each space (not copies), or their Gram matrices.
        dual: `[stimulus, unit]`: products with a new stimulus' inner products, weighted over spaces, plus `mean`, predict it.
    """

    options: BandedRidge
    spaces: tuple[str, ...]
    alphas: FloatArray
    weights: FloatArray
    scores: FloatArray
    mean: FloatArray
    ids: tuple[str, ...] | None
    subject: str
    features: dict[str, Source]
    dual: FloatArray

    def __repr__(self) -> str:
        spaces = f"{len(self.spaces)} spaces: {', '.join(map(repr, self.spaces))}"
        return f"FittedBanded({len(self.dual):,} stimuli, {spaces}; {len(self.mean):,} units, {self.options.select})"

    @property
    def units_at_edge(self) -> float:
        """The share of units, 0 to 1, whose penalty is the smallest or largest of the grid; 0 for a grid of one, where none is chosen."""
        return share_at_edge(self.alphas, self.options.alphas)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences that ought to travel with the numbers: a grid that was too narrow."""
        return penalty_notes(self.alphas, self.options.alphas)

    def predict(self, x: New) -> Features | FloatArray:
        """Predicted responses `[stimulus, unit]` to new stimuli, intercept included; `Features` where a space is.

        Args:
            x: Every space by its name: features, or for a space that was fitted as a `Gram` ids of its stimuli. Ids alone where all were.
                Rows meet by id where spaces are `Features` or ids: those of the first that is.

        Raises:
            InputError: A space is missing.
            IdError: A space lacks a stimulus.
            ShapeError: A space has another number of features, or of stimuli.
            NonFiniteError: A value is NaN or infinite.
        """
        made, ids = self._parts(x, None)
        total = made.sum(axis=0) + self.mean.astype(made.dtype)
        return total if ids is None else Features(total, ids, subject=self.subject)

    def predict_parts(self, x: New) -> FloatArray:
        """What each space adds to the predictions `[space, stimulus, unit]`; they sum to them but for `mean`."""
        return self._parts(x, None)[0]

    def shares(self, x: New, y: Features | npt.ArrayLike) -> FloatArray:
        r"""The share of the variance of new responses that each space explains `[space, unit]`; they sum to the R² of `predict`.

        The product measure: with what a space adds to the predictions \(\hat y_s\), and \(\hat y\) their sum, all less their means,

        $$R^2_s = \frac{\sum_i \hat y_{si} (2 y_i - \hat y_i) - n (m - d) (m_s - d / S)}{\sum_i y_i^2}$$

        It can be negative: a space may add errors. The second term is the cost of a wrong mean, 0 where predictions have that of the
        responses: m_s and m are the means of \(\hat y_s\) and \(\hat y\), d how far the mean of the new responses is from that of the
        training responses, and S the number of spaces.

        Args:
            x: As for `predict`.
            y: Responses to the same stimuli `[stimulus, unit]`; where they are `Features`, rows are theirs.

        Raises:
            ShapeError: Stimuli or units are not as many.

        References:
            Dupré la Tour et al., 2022, <https://doi.org/10.1016/j.neuroimage.2022.119728>.
        """
        parts, _ = self._parts(x, y.ids if isinstance(y, Features) else None)
        truth = response_values(y).astype(np.float64)
        if truth.shape != parts.shape[1:]:
            raise ShapeError(f"predictions have the shape {parts.shape[1:]} and responses {truth.shape}: [stimulus, unit] both.")
        mean, means = truth.mean(axis=0), parts.mean(axis=1, dtype=np.float64)
        truth -= mean
        total, away = parts.sum(axis=0, dtype=np.float64), mean - self.mean
        found = np.einsum("siu,iu->su", parts - means[:, None], 2 * truth - (total - means.sum(axis=0)))
        found -= len(truth) * (means.sum(axis=0) - away) * (means - away / len(parts))
        return np.asarray(found / (truth**2).sum(axis=0))

    def _parts(self, x: New, ids: tuple[str, ...] | None) -> tuple[FloatArray, tuple[str, ...] | None]:
        given = dict(x) if isinstance(x, Mapping) else dict.fromkeys(self.spaces, x)
        missing = [name for name in self.spaces if name not in given]
        if missing or len(given) > len(self.spaces):
            raise InputError(f"the map was fitted to the spaces {', '.join(map(repr, self.spaces))}; got {', '.join(map(repr, given))}.")
        for name in self.spaces:
            ids = ids or self._ids(name, given[name])
        made: list[FloatArray] = []
        for weight, name in zip(self.weights.astype(self.dual.dtype), self.spaces, strict=True):
            with named_space(name):
                products = self.features[name].products(self._rows(name, given[name], ids))
            if made and len(products) != len(made[0]):
                raise ShapeError(
                    f"space {name!r} has {len(products)} stimuli and {self.spaces[0]!r} {len(made[0])}. Pass both as `Features`."
                )
            made.append(products @ (self.dual * weight))
        return np.stack(made), ids

    def _ids(self, name: str, given: Any) -> tuple[str, ...] | None:
        if isinstance(given, Features):
            return tuple(given.ids)
        named = isinstance(self.features[name], CentredGram) and not isinstance(given, np.ndarray | str)
        return tuple(str(each) for each in given) if named else None

    def _rows(self, name: str, given: Any, ids: tuple[str, ...] | None) -> Any:
        if isinstance(self.features[name], CentredGram):
            return ids if not isinstance(given, Features | np.ndarray | str) else given
        return given.take(ids) if isinstance(given, Features) and ids is not None else given
