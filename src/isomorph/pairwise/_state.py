"""What a part of the work leaves: sums that add up in any order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray
from isomorph.errors import FileError, InputError
from isomorph.pairwise._arithmetic import Arithmetic
from isomorph.pairwise._collect import triangle_start
from isomorph.pairwise._near import near_values
from isomorph.pairwise._ranks import rank_correlations, rank_products
from isomorph.pairwise._recipe import NEIGHBOURS, RANKS, Recipe
from isomorph.pairwise._result import AllPairs
from isomorph.pairwise._state_file import read_state, write_state
from isomorph.pairwise._statistics import Sums, has_jackknife, standard_errors, values

_TOLERANCE = {"float32": 1e-4, "float64": 1e-8}


@dataclass(frozen=True, kw_only=True)
class Header:
    """What must agree for two states to be parts of one whole."""

    names: tuple[str, ...]
    n: int
    stimuli: str
    recipes: tuple[Recipe, ...]
    forms: dict[str, str]
    precision: str
    standard_errors: bool
    sampled: int
    memory: int = 0


@dataclass(frozen=True, eq=False, kw_only=True)
class PairState:
    """A part of `all_pairs`: sums over some stripes of rows. States of all parts merge, in any order, into the whole.

    Attributes:
        header: The things, the measures and how they are computed.
        facts: Tensors that every part has alike.
        sums: Tensors that add up.
        pieces: Tensors that stand side by side: entries to be ranked.

    Example:
        >>> import numpy as np
        >>> from isomorph.pairwise import all_pairs
        >>> rng = np.random.default_rng(0)
        >>> items = {"a": rng.normal(size=(40, 6)), "b": rng.normal(size=(40, 6))}
        >>> parts = [all_pairs(items, part=(i, 3)) for i in (2, 3, 1)]
        >>> whole = parts[0].merge(parts[1]).merge(parts[2]).finish()
        >>> bool(np.allclose(whole.values, all_pairs(items).values, atol=1e-12))
        True
    """

    header: Header
    facts: Mapping[str, npt.NDArray[Any]]
    sums: Mapping[str, npt.NDArray[Any]]
    pieces: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    scratch: tuple[TemporaryDirectory[str], ...] = field(default=(), repr=False)
    """Folders that hold `pieces`; they vanish with the last state that needs them."""

    def merge(self, other: PairState) -> PairState:
        """Both parts as one.

        Raises:
            InputError: They are not parts of one whole, or have stripes in common.
        """
        self._check_same(other)
        for key, what in (("stimuli", "row"), ("pairs", "pair")):
            if key in self.sums and key in other.sums and (twice := (self.sums[key] > 0) & (other.sums[key] > 0)).any():
                raise InputError(f"both states hold {int(twice.sum()):,} of the same {what}s; merge each part once.")
        sums = {key: np.asarray(each + other.sums[key]) for key, each in self.sums.items()}
        return replace(self, sums=sums, pieces={**self.pieces, **other.pieces}, scratch=self.scratch + other.scratch)

    def save(self, path: Path | str) -> Path:
        """Write the state as a `.safetensors` file, whole or not at all."""
        return write_state(Path(path), self.header, {"facts": self.facts, "sums": self.sums, "pieces": self.pieces})

    @classmethod
    def load(cls, path: Path | str) -> PairState:
        """Read a state; its tensors are memory-mapped.

        Raises:
            FileError: The file holds no state, or is damaged.
        """
        header, tensors = read_state(Path(path), Header)
        state = cls(header=header, facts=tensors["facts"], sums=tensors["sums"], pieces=tensors["pieces"])
        tensors_found = {**state.facts, **state.sums}
        for key, shape in state._expected().items():
            found = tensors_found[key].shape if key in tensors_found else None
            if found != shape:
                raise FileError(f"{path} is damaged: {key!r} has the shape {found} and should have {shape}.")
        return state

    def finish(self, *, scratch: Path | str | None = None) -> AllPairs:
        """The values.

        Args:
            scratch: Where ranks are kept meanwhile; default: the system's folder for temporary files.

        Raises:
            InputError: Parts are missing.
            ShapeError: A thing does not vary over its stimuli.
        """
        head = self.header
        self._check_complete()
        found = [self._value(recipe, Path(scratch or gettempdir())) for recipe in head.recipes]
        errors = None
        if head.standard_errors:
            errors = np.stack([self._error(recipe) for recipe in head.recipes])
        sampled = {
            each.label: {"entries": head.sampled, "error": head.sampled**-0.5}
            for each in head.recipes
            if head.sampled and each.statistic in RANKS
        }
        labels = tuple(recipe.label for recipe in head.recipes)
        return AllPairs(
            names=head.names, measures=labels, values=np.stack(found), standard_errors=errors, n=head.n, form=head.forms,
            sampled=sampled, precision=head.precision, memory=head.memory,
        )  # fmt: skip

    def _value(self, recipe: Recipe, scratch: Path) -> FloatArray:
        head, key = self.header, recipe.view.key
        if recipe.statistic not in (*RANKS, *NEIGHBOURS):
            return values(recipe, Sums.of(key, self.sums, self.facts), names=head.names, precision=head.precision)
        if recipe.statistic in NEIGHBOURS:
            return near_values(recipe, self.pieces, head.names, head.n)
        arithmetic = Arithmetic("cpu", head.precision)
        if head.sampled:
            m, products = head.sampled, rank_products({0: self.sums[f"{key}/sample"]}, arithmetic, names=head.names, scratch=scratch)
        else:
            prefix = f"{key}/entries/"
            pieces = {int(name.removeprefix(prefix)): piece for name, piece in self.pieces.items() if name.startswith(prefix)}
            m, products = triangle_start(head.n - 1, head.n), rank_products(pieces, arithmetic, names=head.names, scratch=scratch)
        return rank_correlations(products, m, expected=recipe.statistic == "rho-a")

    def _error(self, recipe: Recipe) -> FloatArray:
        if not has_jackknife(recipe):
            return np.full((len(self.header.names), len(self.header.names)), np.nan)
        return standard_errors(recipe, Sums.of(recipe.view.key, self.sums, self.facts))

    def _expected(self) -> dict[str, tuple[int, ...]]:
        """The tensors that the header asks for, and their shapes."""
        head, things = self.header, len(self.header.names)
        shapes: dict[str, tuple[int, ...]] = {}
        for recipe in head.recipes:
            key, streams = recipe.view.key, head.forms.get(recipe.label) == "stream"
            shapes |= {"stimuli": (head.n,)} if streams else {"pairs": (things, things)}
            shapes |= {f"{key}/offset": (things,), f"{key}/scale": (things,), f"{key}/diagonal": (things, head.n)}
            if recipe.statistic in RANKS:
                shapes |= {f"{key}/sample": (things, head.sampled)} if head.sampled else {}
            elif recipe.statistic not in NEIGHBOURS:
                shapes[f"{key}/rows"] = (things, head.n)
                by_row = head.standard_errors and streams
                shapes |= {f"{key}/row products": (things * (things + 1) // 2, head.n)} if by_row else {f"{key}/products": (things, things)}
        return shapes

    def _check_same(self, other: PairState) -> None:
        for name in Header.__dataclass_fields__:
            mine, theirs = getattr(self.header, name), getattr(other.header, name)
            if name != "memory" and mine != theirs:
                raise InputError(f"the states are not parts of one whole: {name} is {mine!r:.120} in one and {theirs!r:.120} in the other.")
        for key, mine in self.facts.items():
            if not np.allclose(mine, other.facts[key], rtol=_TOLERANCE[self.header.precision], atol=_TOLERANCE[self.header.precision]):
                raise InputError(f"the states are not parts of one whole: their features differ ({key}). Compute both from the same files.")

    def _check_complete(self) -> None:
        for key, what in (("stimuli", "rows"), ("pairs", "entries of the matrix")):
            done = self.sums.get(key)
            if done is not None and not (done > 0).all():
                raise InputError(f"the state covers {int((done > 0).sum()):,} of {done.size:,} {what}; merge the other parts first.")
