"""What the hooks call: each output is pooled, checked, and reduced or kept, while the forward pass waits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from isomorph.arrays import check_finite
from isomorph.errors import InputError, NonFiniteError, ShapeError
from isomorph.geometry._accumulate import GramAccumulator
from isomorph.models._plan import ExtractionPlan
from isomorph.models._plan_dry_run import prefix_tokens, row_digest
from isomorph.models._reduce import CannotPoolError, pooled
from isomorph.models._reduce_sketch import CountSketch
from isomorph.models._spill import RowKeeper
from isomorph.profile import timed

if TYPE_CHECKING:
    from isomorph.models._model import Model

Tensors = Mapping[str, npt.NDArray[Any]]


class LayerReader:
    """Reads one batch after another.

    Args:
        model: Whose layers are read.
        ids: Of all stimuli.
        plan: Which layers, and how.
        keeper: Takes the rows; None if each layer becomes a Gram matrix at once.
        sketches: By layer, if rows are sketched first.

    Attributes:
        reduced: The Gram matrices, where there is no keeper.
    """

    def __init__(
        self, model: Model, ids: Sequence[str], plan: ExtractionPlan, keeper: RowKeeper | None, sketches: Mapping[str, CountSketch]
    ) -> None:
        self._ids, self._plan, self._keeper, self._sketches = ids, plan, keeper, sketches
        self._widths = {source: width for source, width in plan.sources.items() if source not in plan.clamped}
        self._compared = {*plan.doubtful, *plan.doubtful.values()}
        self._prefix = prefix_tokens(model.module)
        self._part = slice(0, 0)
        self._mask: torch.Tensor | None = None
        self._digests: dict[str, bytes] = {}
        self._sums = GramAccumulator(len(ids))
        self.reduced = {} if keeper else _empty_grams(self._widths, len(ids))

    def begin(self, part: slice, mask: torch.Tensor | None) -> None:
        """The next calls of `read` are for these stimuli."""
        self._part, self._mask = part, mask
        self._digests.clear()

    def read(self, layer: str, tensor: torch.Tensor) -> None:
        """Take one output.

        Raises:
            NonFiniteError: It holds NaN or infinity; the message names the first stimulus.
            ShapeError: It has another shape than in the dry run.
        """
        with timed("reduce", tensor.device):
            self._read(layer, tensor)

    def _read(self, layer: str, tensor: torch.Tensor) -> None:
        rows = self._rows(layer, tensor)
        if layer in self._compared:
            self._digests[layer] = row_digest(rows)
        if layer not in self._widths:
            return
        if self._keeper is None:
            self._sums.reset()
            self._sums.add(rows)
            if not self._sums.finite:
                self._check(layer, rows)
            for key, values in gram_tensors(self._sums, self._ids, name=self._name(layer)).items():
                self.reduced[layer][key][:] = values
            return
        if layer in self._sketches:
            rows = self._sketches[layer](rows)
        if not torch.isfinite(rows.sum()):
            self._check(layer, rows)
        self._keeper.add(layer, rows, first=self._part.start)

    def check_duplicates(self) -> None:
        """After a batch: what equalled another layer in the dry run still does.

        Raises:
            InputError: It does not, so it cannot be left out.
        """
        for name, other in self._plan.doubtful.items():
            if self._digests[name] != self._digests[other]:
                raise InputError(
                    f"{self._name(name)} equalled {other!r} in the dry run but differs for some stimuli from "
                    f"{self._ids[self._part.start]!r} on. Run again with keep_duplicates=True."
                )

    def _rows(self, layer: str, tensor: torch.Tensor) -> torch.Tensor:
        items = self._part.stop - self._part.start
        try:
            rows = pooled(tensor, self._plan.pool, items=items, prefix_tokens=self._prefix, mask=self._mask)
        except CannotPoolError as error:
            raise ShapeError(f"{self._name(layer)} changed after the dry run: {error}.") from error
        width = self._widths.get(layer, rows.shape[1])
        if rows.shape[1] != width:
            raise ShapeError(
                f"{self._name(layer)} has {rows.shape[1]:,} features from {self._ids[self._part.start]!r} on and {width:,} before. "
                "Give stimuli of one size, or pool them."
            )
        return rows

    def _check(self, layer: str, rows: torch.Tensor) -> None:
        check_finite(np.asarray(rows.cpu().numpy()), name=self._name(layer), ids=self._ids[self._part])

    def _name(self, layer: str) -> str:
        return f"the layer {layer!r} of {self._plan.subject}"


def _empty_grams(layers: Collection[str], n: int) -> dict[str, Tensors]:
    """Memory for all results, taken before the pass: small pieces taken between large ones would leave holes that nothing fits in."""
    matrices, vectors = np.empty((len(layers), n, n)), np.empty((len(layers), 2, n))
    return {
        layer: {"centred": matrix, "mean_product": pair[0], "row_sums": pair[1]}
        for layer, matrix, pair in zip(layers, matrices, vectors, strict=True)
    }


def gram_tensors(sums: GramAccumulator, ids: Sequence[str], *, name: str) -> Tensors:
    """The parts of a Gram matrix as a store keeps them.

    Raises:
        NonFiniteError: A product of finite features is beyond float32.
    """
    if not sums.finite:
        raise NonFiniteError(f"{name} is finite, but its products overflow float32.")
    gram = sums.gram(ids=ids)
    return {"centred": gram.centred, "mean_product": gram.mean_product, "row_sums": gram.row_sums}
