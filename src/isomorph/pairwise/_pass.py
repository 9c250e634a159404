"""One pass: rows prepared, widths of kernels measured, stripes walked, and everything that the values follow from collected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray
from isomorph.engine import Progress
from isomorph.pairwise._arithmetic import Arithmetic
from isomorph.pairwise._collect import Collector, Entries, Products, Sample, draw_places
from isomorph.pairwise._cross import cross_products
from isomorph.pairwise._near import Near
from isomorph.pairwise._plan import Work
from isomorph.pairwise._recipe import NEIGHBOURS, RANKS, Recipe, View
from isomorph.pairwise._relations import Relations, relations
from isomorph.pairwise._rows import Rows, Thing, prepare_rows
from isomorph.pairwise._sigma import median_distance
from isomorph.pairwise._state import Header
from isomorph.pairwise._stripes import Task, walk
from isomorph.pairwise._sum_tree import SumTree, rows_of, share

_Tensors = dict[str, npt.NDArray[Any]]
_SEED = 20240711


class Pass:
    """A share of the work, done.

    Args:
        things: What is compared.
        header: The measures.
        work: How much is done at a time.
        arithmetic: The device and the precision.
        part: `(index from 0, count)`: which share of the stripes.
        spare: The bytes of memory that a first pass may take beside.
        scratch: A folder for rows and entries.
        progress: Shows how far it is.

    Attributes:
        facts: As in `PairState`.
        sums: As in `PairState`.
        pieces: As in `PairState`.
        tree: As in `PairState`.
    """

    def __init__(
        self, things: Sequence[Thing], header: Header, work: Work, arithmetic: Arithmetic, *, part: tuple[int, int], spare: int,
        scratch: Path, progress: Progress | None,
    ) -> None:  # fmt: skip
        self._things, self._header, self._work, self._arithmetic = things, header, work, arithmetic
        self._part, self._spare, self._scratch, self._progress = part, spare, scratch, progress
        self._groups = share(header.n, part)
        self._ranges = rows_of(header.n, self._groups)
        streamed = [each for each in header.recipes if header.forms[each.label] == "stream"]
        self._full = header.standard_errors or any(each.statistic in NEIGHBOURS for each in streamed)
        self.facts: _Tensors = {}
        self.sums: _Tensors = {}
        self.pieces: _Tensors = {}
        self.tree = SumTree()
        self._partial: _Tensors = {}
        rows = {base: self._rows(base) for base in dict.fromkeys(each.view.base for each in header.recipes)}
        self._stream(rows, streamed)
        self._cross(rows, [each for each in header.recipes if header.forms[each.label] == "features"])

    def _stream(self, rows: Mapping[str, Sequence[Rows]], recipes: Sequence[Recipe]) -> None:
        bases = []
        for base, each in rows.items():
            wanted = [recipe for recipe in recipes if recipe.view.base == base]
            views = {recipe.view.key: self._relations(recipe.view, each) for recipe in wanted}
            for found in views.values():
                self.facts |= found.facts()
            if views:
                bases.append((each, [Task(found, self._collectors(found, wanted)) for found in views.values()]))
        if bases:
            label = f"comparing {len(self._things)} things"
            walk(
                bases,
                self._arithmetic,
                groups={each: rows_of(self._header.n, range(each, each + 1)) for each in self._groups},
                height=self._work.height,
                full=self._full,
                ended=self._ended,
                progress=self._progress,
                label=label,
            )
            done = self.sums["stimuli"] = np.zeros(self._header.n)
            for start, stop in self._ranges:
                done[start:stop] = 1

    def _ended(self, group: int) -> None:
        self.tree.add(0, group, dict(self._partial))
        self._partial.clear()

    def _cross(self, rows: Mapping[str, Sequence[Rows]], recipes: Sequence[Recipe]) -> None:
        if recipes:
            view = recipes[0].view
            self.facts |= relations(view, rows["centred"]).facts()
            cross_products(self.sums, view.key, rows["centred"], self._arithmetic, part=self._part, progress=self._progress)

    def _rows(self, base: str) -> list[Rows]:
        """All things' rows."""
        files = [None if self._work.resident else self._scratch / f"rows-{base}-{index}" for index in range(len(self._things))]
        return [
            prepare_rows(thing, base, dtype=self._arithmetic.dtype, scratch=file) for thing, file in zip(self._things, files, strict=True)
        ]

    def _relations(self, view: View, rows: Sequence[Rows]) -> Relations:
        """A view of all things; an RBF kernel that is to be centred needs a first pass for the sums of its rows."""
        if view.kind != "rbf":
            return relations(view, rows)
        sigma = np.full(len(rows), view.sigma)
        if view.unit != "absolute":
            sigma *= [
                median_distance(each, unit=view.unit, memory=self._spare, name=thing.name)
                for thing, each in zip(self._things, rows, strict=True)
            ]
        if not view.centring:
            return relations(view, rows, sigma=sigma)
        plain = View(kind="rbf", sigma=view.sigma, unit=view.unit)
        return relations(view, rows, sigma=sigma, sums=self._row_sums(relations(plain, rows, sigma=sigma), rows))

    def _row_sums(self, plain: Relations, rows: Sequence[Rows]) -> FloatArray:
        sums: _Tensors = {}
        things, n = len(rows), self._header.n
        collector = Products(sums, "first", things, n, self._arithmetic, full=False, rows=True, products=False)
        walk(
            [(rows, [Task(plain, [collector])])], self._arithmetic, groups={0: [(0, n)]}, height=self._work.height, full=False,
            progress=self._progress, label="sums of kernels",
        )  # fmt: skip
        return sums["first/rows"]

    def _collectors(self, found: Relations, recipes: Sequence[Recipe]) -> list[Collector]:
        """Who takes this view."""
        header, things, key, on = self._header, len(self._things), found.view.key, self._arithmetic
        mine = [each for each in recipes if each.view.key == key]
        result: list[Collector] = [Near(self.pieces, found, k, on) for k in sorted({each.k for each in mine if each.k})]
        if any(each.statistic in RANKS for each in mine):
            if header.sampled:
                result.append(Sample(self.sums, key, things, header.n, on, draw_places(header.n, header.sampled, _SEED)))
            else:
                result.append(Entries(self.pieces, key, things, header.n, on, self._scratch, self._ranges))
        if any(each.statistic not in (*RANKS, *NEIGHBOURS) for each in mine):
            by_row = header.standard_errors
            sums = self.sums if by_row else self._partial  # a row's own products are all in one part
            result.append(Products(sums, key, things, header.n, on, full=self._full, rows=found.rows is None, by_row=by_row))
        return result
