"""Ratings of pairs: how similar (or different) people say that two things are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from isomorph.arrays import FloatArray, IntArray, unique_ids
from isomorph.errors import FileError, IdError, InputError, IsomorphError, NonFiniteError, ShapeError
from isomorph.features import Features
from isomorph.geometry import RDM, Gram
from isomorph.inference import Score
from isomorph.judgments._similarity import Centring, Similarity, matrix_of_similarities
from isomorph.judgments._things_csv import need_columns, numbers, read_delimited

Scale = Literal["similarity", "dissimilarity"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Ratings:
    """Numbers that people gave to pairs of things.

    Attributes:
        pairs: `[rating, 2]`: rows of `objects`.
        values: `[rating]`.
        objects: The stimulus ids; unique.
        scale: Whether large numbers mean `"similarity"` or `"dissimilarity"`.
        participants: `[rating]`: who rated, if known.
        source: Where they came from.

    Raises:
        ShapeError: A part has other axes than stated.
        IdError: A pair points outside `objects`.
        InputError: A thing is paired with itself, or the scale is unknown.
        NonFiniteError: A rating is NaN or infinite.
    """

    pairs: IntArray
    values: FloatArray
    objects: tuple[str, ...]
    scale: Scale
    participants: tuple[str, ...] | None = None
    source: str = ""

    def __post_init__(self) -> None:
        objects = unique_ids(self.objects, name="the objects of the ratings")
        pairs, values = np.asarray(self.pairs), np.asarray(self.values, dtype=np.float64)
        if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype.kind not in "iu" or values.shape != (len(pairs),):
            raise ShapeError(
                f"ratings need whole-number pairs [rating, 2] and values [rating]; got shapes {pairs.shape} and {values.shape}."
            )
        if self.scale not in ("similarity", "dissimilarity"):
            raise InputError(f"say whether large ratings mean 'similarity' or 'dissimilarity'; got {self.scale!r}.")
        if pairs.min(initial=0) < 0 or pairs.max(initial=0) >= len(objects):
            raise IdError(
                f"a rating is of object {int(pairs.max(initial=0))}, but there are {len(objects)} objects, 0 to {len(objects) - 1}."
            )
        alone = np.flatnonzero(pairs[:, 0] == pairs[:, 1])
        if len(alone):
            raise InputError(
                f"{len(alone)} ratings pair a thing with itself; the first is of {objects[pairs[alone[0], 0]]!r}. Leave them out."
            )
        if not np.isfinite(values).all():
            raise NonFiniteError(f"{int((~np.isfinite(values)).sum())} of {len(values)} ratings are NaN or infinite. Leave them out.")
        for name, value in (("objects", objects), ("pairs", pairs), ("values", values)):
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.values)

    def means(self) -> tuple[IntArray, FloatArray]:
        """The rated pairs `[pair, 2]` (smaller row first) and the mean rating of each, over people and both orders."""
        ordered = np.sort(self.pairs.astype(np.int64), axis=1)
        keys, inverse = np.unique(ordered[:, 0] * len(self.objects) + ordered[:, 1], return_inverse=True)
        values = np.bincount(inverse, weights=self.values) / np.bincount(inverse)
        return np.stack(np.divmod(keys, len(self.objects)), axis=1), values

    def rdm(self) -> RDM:
        """Mean dissimilarities of all pairs; ratings of similarity are taken from their largest mean.

        Raises:
            InputError: Not all pairs were rated; `score_ratings` needs only those that were.
        """
        pairs, values = self.means()
        n = len(self.objects)
        if len(pairs) < n * (n - 1) // 2:
            raise InputError(
                f"an RDM needs all {n * (n - 1) // 2:,} pairs of {n} objects, but {len(pairs):,} were rated. score_ratings compares those."
            )
        return RDM(values.max() - values if self.scale == "similarity" else values, self.objects, "rating", subject=self.source)


def read_ratings(
    path: Path | str,
    *,
    scale: Scale,
    columns: tuple[str, str, str] = ("first", "second", "rating"),
    participant_column: str | None = None,
) -> Ratings:
    """A table with one rating a row.

    Args:
        path: `.csv` or `.tsv`.
        scale: Whether large numbers mean `"similarity"` or `"dissimilarity"`: it cannot be seen.
        columns: The columns of the two things and the rating.
        participant_column: The column that says who rated, if any.

    Raises:
        FileError: A column is missing or holds no numbers.
    """
    path = Path(path)
    table = read_delimited(path)
    need_columns(path, table, (*columns, *([participant_column] if participant_column else [])))
    if not len(table):
        raise FileError(f"{path} holds no ratings.")
    objects, inverse = np.unique(table[list(columns[:2])].astype(str).to_numpy(), return_inverse=True)
    people = tuple(map(str, table[participant_column])) if participant_column else None
    try:
        return Ratings(
            pairs=inverse.reshape(-1, 2), values=numbers(path, table, columns[2]), objects=tuple(map(str, objects)), scale=scale,
            participants=people, source=path.name,
        )  # fmt: skip
    except IsomorphError as error:
        raise type(error)(f"{path}: {error}") from error


def score_ratings(
    x: Features | Gram | RDM,
    ratings: Ratings,
    *,
    similarity: Similarity | Callable[[FloatArray], FloatArray] = "cosine",
    centring: Centring = "stimuli",
    replicates: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Score:
    """Spearman's correlation of a model's similarities with mean ratings, over the rated pairs; the bootstrap draws objects.

    A pair counts with the product of how often its two objects were drawn. The ranks are those of the whole.

    Args:
        x: Features, their Gram matrix, or an RDM; joined by id.
        ratings: The ratings.
        similarity: See `pair_similarities`.
        centring: Which mean a centred cosine takes away.
        replicates: Bootstrap samples; 0 for no interval.
        level: The interval's coverage.
        seed: The bootstrap's seed.

    Raises:
        IdError: A rated object is not in `x`.
        InputError: One side does not vary.
    """
    from isomorph.arrays import positions
    from isomorph.judgments._rank_correlation import rank_correlation

    rows = positions(x.ids, ratings.objects, name=repr(x.subject or x.layer or "features"))
    matrix: Any = matrix_of_similarities(x, rows, similarity, centring)
    pairs, values = ratings.means()
    found = matrix[pairs[:, 0], pairs[:, 1]]
    signed = values if ratings.scale == "similarity" else -values
    return rank_correlation(found, signed, replicates=replicates, seed=seed, level=level, units=pairs, unit_count=len(ratings.objects))
