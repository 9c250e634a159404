"""The geometries of a benchmark as a page shows them: RDMs as ranks, in an order of categories, and a map of all of them."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from isomorph.report._mds import smacof

if TYPE_CHECKING:
    from isomorph.results import BenchmarkRecord, Results

MOST_SHOWN = 256


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Which stimuli are drawn, in which order, and where categories begin and end.

    Attributes:
        positions: `[shown]`: places in the benchmark's order.
        groups: `(label, start, stop)` of each category, in places of the drawn order; empty without labels.
        total: How many stimuli the benchmark has.
    """

    positions: npt.NDArray[np.intp]
    groups: tuple[tuple[str, int, int], ...]
    total: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Heatmap:
    """One RDM to draw.

    Attributes:
        name: Whose geometry it is.
        kind: `"model"`, `"control"`, `"brain"` or `"behaviour"`.
        layer: The layer; empty for targets.
        targets: The targets for which this layer is the model's best; empty where the map belongs to all.
        rdm: `[pair]` in the benchmark's order.
    """

    name: str
    kind: str
    layer: str
    targets: tuple[str, ...]
    rdm: npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Map:
    """Geometries as points on a plane; near means alike.

    Attributes:
        names: Whose geometries.
        kinds: `"model"`, `"control"`, `"brain"` or `"behaviour"` each.
        similarity: `[name, name]`: Pearson correlations between RDMs.
        points: `[name, 2]`.
        stress: Kruskal's stress-1 of the picture.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    similarity: npt.NDArray[np.float64]
    points: npt.NDArray[np.float64]
    stress: float


def shown(record: BenchmarkRecord) -> Shown:
    """Stimuli by category, categories in order of first appearance; at most `MOST_SHOWN`, evenly drawn from that order."""
    labels = record.stimuli.labels
    first = {label: place for place, label in reversed(list(enumerate(labels)))}
    order = np.array(sorted(range(len(labels)), key=lambda each: (first[labels[each]], each)), dtype=np.intp)
    if len(order) > MOST_SHOWN:
        order = order[np.linspace(0, len(order) - 1, MOST_SHOWN).round().astype(np.intp)]
    groups: list[tuple[str, int, int]] = []
    for place, position in enumerate(order):
        label = labels[position]
        if groups and groups[-1][0] == label:
            groups[-1] = (label, groups[-1][1], place + 1)
        else:
            groups.append((label, place, place + 1))
    named = any(label for label, _, _ in groups)
    return Shown(positions=order, groups=tuple(groups) if named else (), total=len(labels))


def heatmaps(results: Results, record: BenchmarkRecord) -> tuple[Heatmap, ...]:
    """The targets' mean RDMs, then of each model the layers that are best for a target."""
    from isomorph.report._question import is_control

    first = record.targets[0].name if record.targets else ""
    closest = results.best(record.name, first)["model"] if first else ()
    rank = {model: place for place, model in enumerate(closest)}
    maps = [Heatmap(name=each.name, kind=each.kind, layer="", targets=(), rdm=each.mean) for each in record.targets if each.kind != "model"]
    best: dict[tuple[str, str], list[Any]] = {}
    for each in results.geometry:
        if each.benchmark == record.name:
            best.setdefault((each.model, each.layer), []).append(each)
    for (model, layer), found in sorted(best.items(), key=lambda each: rank.get(each[0][0], 0)):
        kind = "control" if is_control(results, model) else "model"
        targets = tuple(each.target for each in found if each.target)
        maps.append(Heatmap(name=model, kind=kind, layer=layer, targets=targets, rdm=found[0].rdm))
    return tuple(maps)


def percentiles(rdm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """`[pair]`: the share of pairs that are less dissimilar, ties at their middle: 0 to 1, whatever the distance's scale."""
    ordered = np.sort(rdm)
    below = np.searchsorted(ordered, rdm, side="left") + np.searchsorted(ordered, rdm, side="right") - 1
    return np.asarray(below / max(1, 2 * (len(rdm) - 1)), dtype=np.float64)


def square(rdm: npt.NDArray[np.float64], order: npt.NDArray[np.intp], total: int) -> npt.NDArray[np.float64]:
    """`[shown, shown]`: percentiles among all pairs, in the drawn order."""
    matrix = np.zeros((total, total))
    matrix[np.triu_indices(total, 1)] = percentiles(rdm)
    matrix += matrix.T
    return np.asarray(matrix[np.ix_(order, order)], dtype=np.float64)


def packed(rdm: npt.NDArray[np.float64], drawn: Shown) -> str:
    """The drawn upper triangle, row by row, one byte a pair (percentile × 255), in base64."""
    matrix = square(rdm, drawn.positions, drawn.total)
    levels = np.round(matrix[np.triu_indices(len(matrix), 1)] * 255).astype(np.uint8)
    return base64.b64encode(levels.tobytes()).decode()


def relation_map(results: Results, record: BenchmarkRecord) -> Map | None:
    """All targets and models on one plane, by 1 − Pearson's r between their RDMs; None for fewer than three."""
    if not results.model_names(record.name):
        return None
    second = results.second_order(record.name)
    if len(second.names) < 3:
        return None
    similarity = np.nan_to_num(second.matrix, nan=0.0)
    distances = np.clip(1 - similarity, 0, 2)
    np.fill_diagonal(distances, 0)
    points, stress = smacof(distances)
    return Map(names=second.names, kinds=second.kinds, similarity=similarity, points=points, stress=stress)
