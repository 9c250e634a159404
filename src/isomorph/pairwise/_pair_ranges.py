"""All pairs by several processes: each walks some of the stripes, and the last unit joins what they found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, reduce
from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy as np
import xxhash

from isomorph._version import __version__
from isomorph.engine import Part, Progress
from isomorph.errors import InputError, StoreError
from isomorph.features import Features, load_features
from isomorph.measures import Measure, load_measure
from isomorph.pairwise._all_pairs import all_pairs
from isomorph.pairwise._result import AllPairs
from isomorph.pairwise._state import PairState
from isomorph.profile import timing
from isomorph.spec import fingerprint, to_plain
from isomorph.store import Store

_SCHEME = 1
_BLOCK_ROWS = 1024
_FACTS = ("names", "measures", "n", "form", "sampled", "precision", "memory")


class PairOptions(TypedDict, total=False):
    """Those of `all_pairs` that decide the bits of the values."""

    memory_limit: str | int
    form: Any
    products: Any
    standard_errors: bool
    device: str


@dataclass(frozen=True, kw_only=True, eq=False)
class PairRange:
    """A share of the stripes as a unit of work; it commits its `PairState`."""

    items: Mapping[str, Any]
    measures: tuple[str | Measure, ...]
    whole: Mapping[str, Any]
    part: Part
    options: PairOptions
    progress: Progress | None = None

    @property
    def label(self) -> str:
        """What progress shows."""
        return f"stripes {self.part} of {len(self.items):,} things"

    @cached_property
    def spec(self) -> dict[str, Any]:
        """What decides the state."""
        return {**self.whole, "kind": "stripes of all pairs", "part": str(self.part)}

    @cached_property
    def fingerprint(self) -> str:
        """The name of the state."""
        return fingerprint(self.spec)

    @timing("score")
    def run(self, store: Store) -> None:
        """Walk the stripes and commit the state."""
        part = (self.part.number, self.part.total)
        state = all_pairs(self.items, list(self.measures), part=part, progress=self.progress, **self.options)
        with store.begin(self.fingerprint, self.spec | {"summary": self.label}) as writer:
            writer.put("state", state.tensors())
            writer.commit({})


@dataclass(frozen=True, kw_only=True, eq=False)
class PairsJoin:
    """The last unit: it joins the states of all ranges, computes those that are missing or damaged, and commits the values."""

    ranges: tuple[PairRange, ...]
    whole: Mapping[str, Any]

    @property
    def label(self) -> str:
        """What progress shows."""
        return f"all pairs of {len(self.ranges[0].items):,} things"

    @cached_property
    def fingerprint(self) -> str:
        """The name of the values, whatever the ranges."""
        return fingerprint(self.whole)

    @timing("score")
    def run(self, store: Store) -> None:
        """Join the states in any order, and commit the values."""
        result = reduce(PairState.merge, (_state(store, each) for each in self.ranges)).finish()
        plain = {name: getattr(result, name) for name in _FACTS}
        tensors = {"values": np.asarray(result.values)}
        if result.standard_errors is not None:
            tensors["standard_errors"] = np.asarray(result.standard_errors)
        with store.begin(self.fingerprint, {**self.whole, "summary": self.label}) as writer:
            writer.put("pairs", tensors)
            writer.commit(plain)

    def result(self, store: Store) -> AllPairs:
        """What was committed.

        Raises:
            StoreError: It is not there, or damaged.
        """
        stored = store.open(self.fingerprint)
        tensors = {key: np.array(stored.read("pairs", key)) for key in stored.keys("pairs")}
        names, measures = (tuple(stored.meta[key]) for key in ("names", "measures"))
        facts = {key: stored.meta[key] for key in _FACTS if key not in ("names", "measures")}
        return AllPairs(names=names, measures=measures, values=tensors["values"], standard_errors=tensors.get("standard_errors"), **facts)


def _state(store: Store, unit: PairRange) -> PairState:
    """What a range found; computed again if it is gone or damaged."""
    if unit.fingerprint in store:
        with suppress(StoreError):
            return _read(store, unit)
    unit.run(store)
    return _read(store, unit)


def _read(store: Store, unit: PairRange) -> PairState:
    stored = store.open(unit.fingerprint)
    return PairState.of_tensors({key: stored.read("state", key) for key in stored.keys("state")}, where=unit.label)


def pair_ranges(
    items: Mapping[str, Any],
    measures: Sequence[str | Measure] | str | Measure = ("cka",),
    *,
    ranges: int,
    progress: Progress | None = None,
    **options: Unpack[PairOptions],
) -> tuple[list[PairRange], PairsJoin]:
    """`all_pairs` as units of work for several processes or machines that see one store.

    First all ranges of stripes, in any order and anywhere, then the join. The values are those of `all_pairs` with the same options in one
    process, to the last bit.

    Args:
        items: As in `all_pairs`; their values are read once to name the work.
        measures: As in `all_pairs`; each must have a streaming form.
        ranges: Among how many units the stripes are shared out. They fall into at most 64 groups of 256 rows and more: of more ranges than
            groups some are empty.
        progress: Shows how far each unit is.
        options: `memory_limit`, `form`, `products`, `standard_errors` and `device` of `all_pairs`.

    Returns:
        The ranges, and the unit that joins them; its `result(store)` reads the values.

    Raises:
        InputError: `ranges` is below 1.

    Example:
        >>> import numpy as np, tempfile
        >>> from isomorph.engine import run_plan
        >>> from isomorph.store import Store
        >>> rng, store = np.random.default_rng(0), Store(tempfile.mkdtemp())
        >>> items = {"x": rng.normal(size=(600, 9)), "y": rng.normal(size=(600, 7))}
        >>> ranges, join = pair_ranges(items, ["rsa"], ranges=2)
        >>> _ = run_plan([*ranges, join], store=store)
        >>> bool((join.result(store).values == all_pairs(items, ["rsa"]).values).all())
        True
    """
    if isinstance(ranges, bool) or not isinstance(ranges, int) or ranges < 1:
        raise InputError(f"ranges must be a whole number of at least 1; got {ranges!r}.")
    items = {name: load_features(each) if isinstance(each, str | Path) else each for name, each in items.items()}
    asked = [measures] if isinstance(measures, str | Measure) else list(measures)
    labels = [each if isinstance(each, str) else repr(each) for each in asked]
    chosen = tuple(load_measure(each) if isinstance(each, str) else each for each in asked)
    whole = {
        "kind": "all pairs",
        "scheme": _SCHEME,
        "isomorph": __version__,
        "items": {name: _digest(each) for name, each in items.items()},
        "measures": labels,
        "defined": [repr(each) for each in chosen],
        "options": to_plain(dict(options)),
    }
    units = tuple(
        PairRange(items=items, measures=tuple(asked), whole=whole, part=Part(number, ranges), options=options, progress=progress)
        for number in range(1, ranges + 1)
    )
    return list(units), PairsJoin(ranges=units, whole=whole)


def _digest(item: Any) -> dict[str, Any]:
    """What a thing is made of, read a few rows at a time: it may be mapped and larger than memory."""
    values = item.values if isinstance(item, Features) else np.asanyarray(item)
    state = xxhash.xxh3_128()
    for start in range(0, len(values), _BLOCK_ROWS):
        state.update(np.ascontiguousarray(values[start : start + _BLOCK_ROWS]).view(np.uint8).data)
    return {
        "values": state.hexdigest(),
        "shape": list(values.shape),
        "dtype": values.dtype.str,
        "ids": fingerprint(list(item.ids)) if isinstance(item, Features) else None,
    }
