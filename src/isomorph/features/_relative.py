"""What is shown, told by how alike it is to things with names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray, as_floats, check_finite
from isomorph.errors import InputError, NonFiniteError, ShapeError
from isomorph.features._features import Features


def relative(x: Features, anchors: Features | Mapping[str, npt.ArrayLike] | Sequence[str]) -> Features:
    r"""The cosine of each stimulus with each of some anchors, as features that have names.

    $$z_{ij} = \frac{x_i \cdot a_j}{\lVert x_i \rVert \, \lVert a_j \rVert}$$

    Both sides are scaled to unit length here, so that values lie between −1 and 1 whatever the model's own scale; they are not centred.
    Anchors must live in the space of `x`: texts in that of pictures when both come from the towers of one model.

    Args:
        x: `[stimulus, feature]`.
        anchors: One row an anchor, its id the anchor's name; or vectors by name; or ids of stimuli of `x`.

    Returns:
        Features: `[stimulus, anchor]`; `feature_names` are the names of the anchors. Float32 where both sides are.

    Raises:
        ShapeError: Anchors have another number of features than `x`.
        InputError: There are no anchors, or a row on either side is zero and has no direction.
        NonFiniteError: A value is NaN or infinite.
        IdError: An anchor is to be a stimulus that `x` lacks, or a name stands twice.

    References:
        Moschella et al., 2023, <https://arxiv.org/abs/2209.15430>.

    Example:
        >>> x = Features(np.array([[2.0, 0.0], [3.0, 3.0]]), ("cat", "dog"))
        >>> z = relative(x, {"furry": [1, 1], "tall": [0, 5]})
        >>> z.feature_names, z.values.round(2).tolist()
        (('furry', 'tall'), [[0.71, 0.0], [1.0, 0.71]])
    """
    directions = _anchors(x, anchors)
    if x.width != directions.width:
        raise ShapeError(
            f"the features have {x.width} columns and the anchors {directions.width}: they live in different spaces. "
            "Read both from one layer, or from the two towers of one model."
        )
    units = directions.values / row_lengths(directions, "anchors")[:, None].astype(directions.values.dtype)
    lengths = row_lengths(x, "stimuli")[:, None]
    cosines = np.clip(x.values @ units.T / lengths.astype(x.values.dtype), -1, 1)
    provenance = {**x.provenance, "relative": {"anchors": len(directions), "of": directions.subject}}
    return Features(cosines, x.ids, x.layer, x.subject, provenance, directions.ids)


def _anchors(x: Features, given: Features | Mapping[str, npt.ArrayLike] | Sequence[str]) -> Features:
    if isinstance(given, Features):
        anchors = given
    elif isinstance(given, str) or not len(given):
        raise InputError(f"anchors must be Features, vectors by name, or a list of ids; got {given!r:.40}.")
    elif isinstance(given, Mapping):
        vectors = [as_floats(each, name=f"the anchor {name!r}", ndim=1) for name, each in given.items()]
        other = next((at for at, each in enumerate(vectors) if len(each) != x.width), None)
        if other is not None:
            raise ShapeError(f"the anchor {list(given)[other]!r} has {len(vectors[other])} values; the features have {x.width} columns.")
        anchors = Features(np.stack(vectors), tuple(given), subject="vectors by name")
    else:
        anchors = x.take(given)
    if not len(anchors):
        raise InputError("there are no anchors; name at least one.")
    return anchors


def row_lengths(x: Features, what: str) -> FloatArray:
    """The length of each row, float64; `what` rows are.

    Raises:
        NonFiniteError: A row holds NaN or infinity.
        InputError: A row is zero.
    """
    check_finite(x.values, name=f"the matrix of {what}", ids=x.ids, rows=what)
    lengths = np.sqrt(np.einsum("ij,ij->i", x.values, x.values, dtype=np.float64))
    zero = np.flatnonzero(lengths == 0)
    if len(zero):
        named = ", ".join(repr(x.ids[at]) for at in zero[:3]) + (f" and {len(zero) - 3} more" if len(zero) > 3 else "")
        raise InputError(f"{len(zero)} of {len(x)} {what} are zero in every feature and have no direction: {named}. Leave them out.")
    if not np.isfinite(lengths).all():
        raise NonFiniteError(f"a row of the {what} is too long for its length to be a number; scale it down.")
    return np.asarray(lengths)
