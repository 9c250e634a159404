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
from isomorph.pairwise._state_file import packed_state, read_state, unpacked_state, write_state
from isomorph.pairwise._statistics import Sums, has_jackknife, standard_errors, values
from isomorph.pairwise._sum_tree import SumTree

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
        tree: Tensors that add up in one order, whoever computed them, so that the whole has the same last digits.

    Example:
        >>> import numpy as np
        >>> from isomorph.pairwise import all_pairs
        >>> rng = np.random.default_rng(0)
        >>> items = {"a": rng.normal(size=(40, 6)), "b": rng.normal(size=(40, 6))}
        >>> parts = [all_pairs(items, part=(i, 3)) for i in (2, 3, 1)]
        >>> whole = parts[0].merge(parts[1]).merge(parts[2]).finish()
        >>> bool((whole.values == all_pairs(items).values).all())
        True
    """

    header: Header
    facts: Mapping[str, npt.NDArray[Any]]
    sums: Mapping[str, npt.NDArray[Any]]
    pieces: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    tree: SumTree = field(default_factory=SumTree)
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
        pieces, tree = {**self.pieces, **other.pieces}, self.tree.merge(other.tree)
        return replace(self, sums=sums, pieces=pieces, tree=tree, scratch=self.scratch + other.scratch)

    def save(self, path: Path | str) -> Path:
        """Write the state as a `.safetensors` file, whole or not at all."""
        return write_state(Path(path), self.tensors())

    @classmethod
    def load(cls, path: Path | str) -> PairState:
        """Read a state; its tensors are memory-mapped.

        Raises:
            FileError: The file holds no state, or is damaged.
        """
        return cls.of_tensors(read_state(Path(path)), where=str(path))

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """Everything as tensors by name: what a file or a store keeps."""
        return packed_state(self.header, {"facts": self.facts, "sums": self.sums, "pieces": self.pieces, "tree": self.tree.plain()})

    @classmethod
    def of_tensors(cls, tensors: Mapping[str, npt.NDArray[Any]], *, where: str) -> PairState:
        """The state that gave these tensors.

        Raises:
            FileError: They are something else; `where` is named.
        """
        header, groups = unpacked_state(tensors, Header, where=where)
        try:
            return cls._checked(header, groups)
        except ValueError as error:
            raise FileError(f"{where} is damaged: {error}.") from error

    @classmethod
    def _checked(cls, header: Header, groups: Mapping[str, Mapping[str, npt.NDArray[Any]]]) -> PairState:
        tree = SumTree.of(groups["tree"])
        state = cls(header=header, facts=groups["facts"], sums=groups["sums"], pieces=groups["pieces"], tree=tree)
        apart, together = state._expected()
        known = {**state.facts, **state.sums}
        for shapes, found in ((apart, known), *((together, {**state.facts, **node}) for node in state.tree.nodes.values())):
            for key, shape in shapes.items():
                if (has := found[key].shape if key in found else None) != shape:
                    raise ValueError(f"{key!r} has the shape {has} and should have {shape}")
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
        sums = {**self.sums, **self.tree.total(head.n)}
        found = [self._value(recipe, sums, Path(scratch or gettempdir())) for recipe in head.recipes]
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

    def _value(self, recipe: Recipe, sums: Mapping[str, npt.NDArray[Any]], scratch: Path) -> FloatArray:
        head, key = self.header, recipe.view.key
        if recipe.statistic not in (*RANKS, *NEIGHBOURS):
            return values(recipe, Sums.of(key, sums, self.facts), names=head.names, precision=head.precision)
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

    def _expected(self) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
        """The tensors that the header asks for, and their shapes: facts and sums, and those of each node of the tree."""
        head, things = self.header, len(self.header.names)
        apart: dict[str, tuple[int, ...]] = {}
        together: dict[str, tuple[int, ...]] = {}
        for recipe in head.recipes:
            key, streams = recipe.view.key, head.forms.get(recipe.label) == "stream"
            apart |= {"stimuli": (head.n,)} if streams else {"pairs": (things, things)}
            apart |= {f"{key}/offset": (things,), f"{key}/scale": (things,), f"{key}/diagonal": (things, head.n)}
            if recipe.statistic in RANKS:
                apart |= {f"{key}/sample": (things, head.sampled)} if head.sampled else {}
            elif recipe.statistic not in NEIGHBOURS:
                by_row = head.standard_errors and streams
                sums = together if streams and not by_row else apart
                sums[f"{key}/rows"] = (things, head.n)
                sums |= {f"{key}/row products": (things * (things + 1) // 2, head.n)} if by_row else {f"{key}/products": (things, things)}
        return apart, together

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
        if self._expected()[1] and not self.tree.total(self.header.n):
            raise InputError("the state lacks sums of some of its rows; compute its parts again.")
