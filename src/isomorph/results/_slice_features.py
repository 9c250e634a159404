"""One layer over all slices of the shards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from isomorph.errors import InputError, StoreError

if TYPE_CHECKING:
    from isomorph.features import Features
    from isomorph.results._slice_plan import SlicePlan


class SliceFeatures(Sequence["Features"]):
    """What a layer says of all pictures, as a sequence of `Features`, one a slice, in the order of the shards.

    Each is mapped from its file when it is asked for, and let go with it: `for x in features: x.ids, x.values`.

    Attributes:
        model: The model.
        layer: The layer.
        rows: How many pictures there are.
    """

    def __init__(self, plan: SlicePlan, model: str, layer: str) -> None:
        self.model, self.layer, self._store = model, layer, plan.store
        self._units = plan.of_model(model)
        self.rows = sum(len(each.part) for each in self._units)
        names = [each.fingerprint for each in self._units]
        finished = plan.store.finished(names)
        missing = [each for each, name in zip(self._units, names, strict=True) if name not in finished]
        if missing:
            raise StoreError(
                f"{len(missing):,} of {len(self._units):,} slices of {model} are not finished; the first is "
                f"{missing[0].label!r}. Run the study first."
            )

    def __len__(self) -> int:
        return len(self._units)

    @overload
    def __getitem__(self, index: int) -> Features: ...
    @overload
    def __getitem__(self, index: slice) -> list[Features]: ...
    def __getitem__(self, index: int | slice) -> Features | list[Features]:
        if isinstance(index, slice):
            return [self[each] for each in range(len(self))[index]]
        from isomorph.features import Features
        from isomorph.models import stored_extraction

        unit = self._units[index]
        name = unit.object(self._store)
        found = (stored_extraction(self._store, name) if name in self._store else unit.extraction(self._store))[self.layer]
        if not isinstance(found, Features):
            raise InputError(f"{name[:12]!r} is stored as a Gram matrix, not as features.")
        return found

    def __repr__(self) -> str:
        return f"SliceFeatures({self.rows:,} pictures in {len(self):,} slices: {self.layer} of {self.model})"
