"""The units of a study of brains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from isomorph.brains import Recording
from isomorph.engine import LazyUnit, Progress, StudyParts
from isomorph.errors import UnknownNameError
from isomorph.results._encoding_unit import BrainFeatures, BrainUnit
from isomorph.store import Store

if TYPE_CHECKING:
    from isomorph.encoding import Protocol
    from isomorph.results._encoding_shown import Shown
    from isomorph.results._encoding_study import EncodingStudy


@dataclass(frozen=True, eq=False)
class BrainPlan:
    """What is to be done: of each model and recording its layers, and then their scores, some regions at a time."""

    study: EncodingStudy

    @property
    def parts(self) -> StudyParts:
        """The stages `features` and `scores`."""

        def features(store: Store, progress: Progress | None) -> list[LazyUnit]:
            return [LazyUnit.of(each) for each, _ in self.units(store, progress)]

        def scores(store: Store, progress: Progress | None) -> list[LazyUnit]:
            return [LazyUnit.of(unit) for _, units in self.units(store, progress) for unit in units]

        study = self.study
        return StudyParts(name=study.name, report=study.report, store=study.store, makers={"features": features, "scores": scores})

    def units(self, store: Store, progress: Progress | None = None) -> Iterator[tuple[BrainFeatures, list[BrainUnit]]]:
        """Model after model; none is loaded for it."""
        from isomorph.models._named_model import named_models

        study = self.study
        names = study.model_names({each.stimuli.modality for each in self.shown})
        options = {name: getattr(study, name) for name in ("intervals", "replicates", "permutations", "level", "seed")}
        for model in named_models(names, device=study.device, store=store):
            for each in self.shown:
                if each.stimuli.modality == model.modality:
                    features = BrainFeatures(
                        model=model,
                        shown=each,
                        protocol=self.protocol,
                        layers=study.layers,
                        pool=study.pool,
                        memory_limit=study.memory_limit,
                        progress=progress,
                    )
                    chunks = self.chunks[each.name]
                    yield features, [BrainUnit(features=features, regions=one, whole=len(chunks) == 1, **options) for one in chunks]

    @cached_property
    def shown(self) -> list[Shown]:
        """The recordings, and what was shown."""
        from isomorph.results._encoding_shown import read_shown

        study = self.study
        return [
            read_shown(each, stimuli=study.stimuli.get(each), units=study.units.get(each), column=study.column, group=study.group)
            for each in study.recordings
        ]

    @cached_property
    def protocol(self) -> Protocol:
        """The protocol with the study's changes."""
        return self.study.chosen_protocol()

    @cached_property
    def chunks(self) -> dict[str, list[tuple[str, ...]]]:
        """Recording → the regions of each unit."""
        most, least = self.study.units_at_once, self.protocol.min_units
        return {
            each.name: region_chunks(each.recording, chosen_regions(each, self.study.regions), least=least, most=most)
            for each in self.shown
        }


def chosen_regions(shown: Shown, wanted: Sequence[str]) -> tuple[str, ...]:
    """The regions that are scored, of those that the recording has; empty where it has none, and all units count.

    Raises:
        UnknownNameError: It has none of those that the study asks for.
    """
    known = tuple(getattr(shown.recording, "regions", ()) or getattr(shown.recording, "rois", ()))
    if not wanted:
        return shown.regions or known
    kept = tuple(each for each in known if each in wanted)
    if not kept:
        raise UnknownNameError(f"region of {shown.name!r}", wanted[0], known)
    return kept


def region_chunks(recording: object, regions: tuple[str, ...], *, least: int, most: int) -> list[tuple[str, ...]]:
    """Whole regions, in their order, so many at a time that no chunk has more than `most` units unless it is one region.

    What does not depend on responses is done anew for each chunk, so a recording that is no larger stays whole. A region that no subject
    has `least` units of, and which alone could not be scored, goes with the one before.

    Example:
        >>> region_chunks(None, ("V1", "V2"), least=1, most=1)
        [('V1', 'V2')]
    """
    if not isinstance(recording, Recording) or not regions:
        return [regions]
    from isomorph.brains._units import subjects_of

    whose = recording.units.assign(_whose=subjects_of(recording.units))
    chunks: list[list[str]] = []
    held, scored = 0, False
    for region in regions:
        inside = whose[whose[region] == 1]
        enough = int(inside["_whose"].value_counts().max() if len(inside) else 0) >= least
        if chunks and (not enough or not scored or held + len(inside) <= most):
            chunks[-1].append(region)
            held, scored = held + len(inside), scored or enough
        else:
            chunks.append([region])
            held, scored = len(inside), enough
    return [tuple(each) for each in chunks]
