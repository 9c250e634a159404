"""The parts of a result that are not scores: what was asked, what was shown, and the geometries that answered."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from isomorph.benchmarks import GeometryMatch
    from isomorph.stimuli import Stimuli

_THUMBNAIL_PIXELS = 96


@dataclass(frozen=True, kw_only=True)
class StimuliRecord:
    """What was shown.

    Attributes:
        ids: In the order of every condensed RDM.
        modality: `"image"` or `"text"`.
        labels: One category a stimulus; empty strings where there is none.
        texts: The texts; empty for images.
        thumbnails: Small JPEG pictures as `data:` URIs; empty for texts.
        skipped: `(id, reason)` of each item that could not be read and was left out on request.
        fingerprint: The digest of the contents.
    """

    ids: tuple[str, ...]
    modality: str
    labels: tuple[str, ...]
    texts: tuple[str, ...] = ()
    thumbnails: tuple[str, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    fingerprint: str = ""

    @staticmethod
    def of(stimuli: Stimuli, labels: tuple[str, ...] = ()) -> StimuliRecord:
        """The record of `stimuli`."""
        image = stimuli.modality == "image"
        return StimuliRecord(
            ids=stimuli.ids,
            modality=stimuli.modality,
            labels=labels or ("",) * len(stimuli.ids),
            texts=() if image else tuple(str(stimuli[index]) for index in range(len(stimuli))),
            thumbnails=tuple(_thumbnail(stimuli, index) for index in range(len(stimuli))) if image else (),
            skipped=tuple((each.id, each.reason) for each in stimuli.skipped),
            fingerprint=stimuli.digest,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class TargetRecord:
    """What was compared with: the mean RDM `[pair]` over repeats and subjects, and where it comes from."""

    name: str
    kind: Literal["brain", "behaviour", "model"]
    citation: str
    note: str
    subjects: int
    repeats: int
    mean: npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class BenchmarkRecord:
    """A benchmark as a report needs it, without the single subjects' data."""

    name: str
    summary: str
    citation: str
    licence: str
    distance: str
    comparisons: tuple[str, ...]
    fingerprint: str
    stimuli: StimuliRecord
    targets: tuple[TargetRecord, ...]

    @staticmethod
    def of(benchmark: GeometryMatch) -> BenchmarkRecord:
        """The record of `benchmark`."""
        return BenchmarkRecord(
            name=benchmark.name,
            summary=benchmark.summary,
            citation=benchmark.citation,
            licence=benchmark.licence,
            distance=benchmark.distance,
            comparisons=benchmark.comparisons,
            fingerprint=benchmark.fingerprint,
            stimuli=StimuliRecord.of(benchmark.stimuli, benchmark.labels),
            targets=tuple(
                TargetRecord(
                    name=target.name,
                    kind=target.kind,
                    citation=target.citation,
                    note=target.note,
                    subjects=len(target.subjects),
                    repeats=target.rdms.shape[1],
                    mean=target.mean,
                )
                for target in benchmark.targets
            ),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerGeometry:
    """The RDM `[pair]` of the layer of a model that comes closest to a target."""

    benchmark: str
    model: str
    target: str
    layer: str
    depth: float
    rdm: npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class SecondOrder:
    """Similarity of geometries, all pairs: targets first, then each model by its best layer for the first target.

    Attributes:
        benchmark: The benchmark's name.
        names: Targets and models.
        kinds: For each name `"brain"`, `"behaviour"`, `"model"` or `"control"`.
        matrix: `[name, name]`, the Pearson correlation between condensed RDMs.
    """

    benchmark: str
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    matrix: npt.NDArray[np.float64]


def _thumbnail(stimuli: Stimuli, index: int) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(stimuli.thumbnail(index, _THUMBNAIL_PIXELS)).decode()
