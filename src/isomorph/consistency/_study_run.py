"""The steps of a consistency study: features, similarities, probes, consistency, each resumed where it stopped."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.consistency._study_answer import AnswerUnit, groupings, joined_results
from isomorph.consistency._study_check import check_study
from isomorph.consistency._study_metadata import study_metadata
from isomorph.consistency._study_probe import ProbeUnit
from isomorph.consistency._study_similarity import SimilarityUnit
from isomorph.consistency._study_units import PENULTIMATE, FeatureUnit
from isomorph.engine import run_plan
from isomorph.errors import InputError, IsomorphError

if TYPE_CHECKING:
    from isomorph.consistency._result import ConsistencyResult
    from isomorph.consistency._similarities import Similarities
    from isomorph.consistency._study import Study, StudyOutcome
    from isomorph.engine import Progress
    from isomorph.models import Model, ModelCard
    from isomorph.models._named_model import NamedModel
    from isomorph.stimuli import Stimuli
    from isomorph.store import Store

Extracted = dict[str, dict[str, str]]
"""Data set → model → what its `FeatureUnit` commits."""


def run_study(study: Study, store: Store, *, progress: Progress | None = None) -> StudyOutcome:
    """Do what is not done yet, and answer."""
    from isomorph.consistency._study import StudyOutcome

    run = StudyRun(study, store, progress)
    notes = list(run.cut)
    features = run.extracted(notes)
    run_plan(run.similarity_units(features), store=store, progress=progress)
    run_plan([*run.probe_units(features).values()], store=store, progress=progress)
    if study.probe != "none":
        notes += [f"no performance is known on {name}: {why}." for name, each in run.stimuli.items() if (why := unlearnable(each))]
    similarities = run.similarities(features)
    units = run.answer_units(features, similarities)
    run_plan(units, store=store, progress=progress)
    found: dict[str, list[ConsistencyResult]] = {}
    for unit in units:
        found.setdefault(unit.grouping, []).append(unit.read(store))
    return StudyOutcome(similarities, {name: joined_results(each) for name, each in found.items()}, tuple(notes))


@dataclass(eq=False)
class StudyRun:
    """What the steps share, and the units of each step; the study is checked before any model is loaded."""

    study: Study
    store: Store
    progress: Progress | None = None
    stimuli: dict[str, Stimuli] = field(init=False)
    cut: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.stimuli, self.cut = self.study.stimuli()
        check_study(self.study, self.study.model_names(), {name: len(each) for name, each in self.stimuli.items()})

    @cached_property
    def models(self) -> list[NamedModel]:
        """The models, not loaded."""
        from isomorph.models._named_model import named_models

        return named_models(self.study.model_names(), device=self.study.device, store=self.store)

    def feature_unit(self, model: NamedModel, dataset: str) -> FeatureUnit:
        """One model on one data set."""
        (unit,) = feature_units(self.study, model, {dataset: self.stimuli[dataset]}, progress=self.progress)
        return unit

    def _again(self, dataset: str) -> dict[str, Callable[[], FeatureUnit]]:
        """Model → its unit on the data set, for who finds that its rows are lost."""
        return {model.asked: partial(self.feature_unit, model, dataset) for model in self.models}

    def extracted(self, notes: list[str]) -> Extracted:
        """Every model's features on every data set; one model is in memory at a time. What is left out is noted."""
        done: Extracted = {dataset: {} for dataset in self.stimuli}
        with self.progress.task("models", len(self.models), unit="models") if self.progress else nullcontext() as row:
            for model in self.models:
                try:
                    units = feature_units(self.study, model, self.stimuli, progress=self.progress)
                    _ = model.fingerprint
                except IsomorphError as error:
                    self._skip_or_raise(error, f"{model.asked} is left out", notes)
                    continue
                for unit in units:
                    try:
                        run_plan([unit], store=self.store)
                        done[unit.dataset][model.asked] = unit.fingerprint
                    except IsomorphError as error:
                        self._skip_or_raise(error, f"{model.asked} is missing on {unit.dataset}", notes)
                if row:
                    row.advance(1)
        return done

    def _skip_or_raise(self, error: IsomorphError, what: str, notes: list[str]) -> None:
        if self.study.on_error == "raise":
            raise error
        notes.append(f"{what}: {error}")

    def similarity_units(self, features: Extracted) -> list[SimilarityUnit]:
        """One a data set: all models, all measures."""
        study, measures = self.study, self.study.chosen_measures()
        units = [
            SimilarityUnit(
                dataset=dataset, features=each, measures=measures, normalise=study.normalise, memory_limit=study.memory_limit,
                ranges=study.ranges, again=self._again(dataset), progress=self.progress,
            )
            for dataset, each in features.items()
        ]  # fmt: skip
        for unit in units:
            if len(unit.features) < 3:
                raise InputError(
                    f"relations between models need at least three models; {len(unit.features)} have features on {unit.dataset}."
                )
        return units

    def probe_units(self, features: Extracted) -> dict[tuple[str, str], ProbeUnit]:
        """Data set, model → how well its labels are read; of data sets that have labels to learn."""
        study = self.study
        if study.probe == "none":
            return {}
        again = {dataset: self._again(dataset) for dataset in self.stimuli}
        return {
            (dataset, model): ProbeUnit(
                model=model, dataset=dataset, features=each, labels=stimuli.labels or (), kind=study.probe, normalise=study.normalise,
                seed=study.seed, ranges=study.ranges, again=again[dataset][model],
            )
            for dataset, stimuli in self.stimuli.items()
            if not unlearnable(stimuli)
            for model, each in features[dataset].items()
        }  # fmt: skip

    def answer_units(self, features: Extracted, similarities: Similarities) -> list[AnswerUnit]:
        """One a grouping and measure."""
        table = similarities.table.to_csv(lineterminator="\n")
        inputs = [
            [unit.fingerprint for unit in self.similarity_units(features)],
            [unit.fingerprint for unit in self.probe_units(features).values()],
            hashlib.sha256(table.encode()).hexdigest(),
            list(similarities.domains or ()),
        ]
        return [
            AnswerUnit(
                study=self.study, grouping=grouping, measure=measure, inputs=inputs, similarities=similarities, ranges=self.study.ranges
            )
            for grouping in groupings(self.study)
            for measure in similarities.measures
        ]  # fmt: skip

    def similarities(self, features: Extracted) -> Similarities:
        """What finished units found, as one value."""
        from isomorph.consistency._similarities import Similarities

        study, units = self.study, self.similarity_units(features)
        cards = self._cards(features)
        names, measures = tuple(cards), tuple(study.chosen_measures())
        shape = (len(units), len(measures), len(names), len(names))
        values, errors = np.full(shape, np.nan), np.full(shape, np.nan)
        counts: list[int] = []
        for at, unit in enumerate(units):
            rows = [names.index(name) for name in unit.features]
            box = np.ix_(range(len(measures)), rows, rows)
            found, uncertain, n = unit.read(self.store)
            values[at][box] = found
            counts.append(n)
            if uncertain is not None:
                errors[at][box] = uncertain
        widths = [next(self.store.open(each[name]).meta["width"] for each in features.values() if name in each) for name in names]
        return Similarities(
            values,
            tuple(self.stimuli),
            measures,
            names,
            metadata=study_metadata(study, cards),
            performance=self._performance(features, names),
            standard_errors=None if np.isnan(errors).all() else errors,
            n=tuple(counts),
            widths=tuple(widths),
            domains=tuple(study.domains.get(each, "") for each in self.stimuli) if study.domains else None,
        )

    def _cards(self, features: Extracted) -> dict[str, ModelCard]:
        """Those of the models that have features anywhere."""
        return {model.asked: model.card for model in self.models if any(model.asked in each for each in features.values())}

    def _performance(self, features: Extracted, names: tuple[str, ...]) -> FloatArray | None:
        """`[dataset, model]`: cross-validated accuracy; NaN where a data set has no labels to learn."""
        units = self.probe_units(features)
        if not units:
            return None
        accuracy = np.full((len(self.stimuli), len(names)), np.nan)
        for (dataset, model), unit in units.items():
            accuracy[list(self.stimuli).index(dataset), names.index(model)] = unit.read(self.store)
        return accuracy


def feature_units(
    study: Study, model: Model | NamedModel, stimuli: Mapping[str, Stimuli], *, progress: Progress | None = None
) -> list[FeatureUnit]:
    """One unit a data set."""
    layer, pool = _where(study, model)
    return [
        FeatureUnit(model=model, stimuli=each, dataset=dataset, layer=layer, pool=pool, memory_limit=study.memory_limit, progress=progress)
        for dataset, each in stimuli.items()
    ]


def _where(study: Study, model: Model | NamedModel) -> tuple[str, str]:
    """The layer and how it is pooled: what the study says; else what the card recommends; else what feeds the classifier, whole."""
    from isomorph.models._named_model import NamedModel

    card = model.known if isinstance(model, NamedModel) else model.card
    layer = next((layer for pattern, layer in study.layers.items() if fnmatchcase(card.name, pattern)), card.layer or PENULTIMATE)
    recommended = card.pool if layer == card.layer else ""
    return layer, study.pool or recommended or "flatten"


def unlearnable(stimuli: Stimuli) -> str:
    """Why no probe can learn the labels; empty where one can."""
    labels = stimuli.labels
    if labels is None or len(set(labels)) < 2:
        return "its stimuli have no labels" if labels is None else "its stimuli all have one label"
    rarest = min(set(labels), key=labels.count)
    few = labels.count(rarest)
    return (
        f"the label {rarest!r} stands {few} time{'s' if few > 1 else ''}, and a probe needs {ProbeUnit.folds}"
        if few < ProbeUnit.folds
        else ""
    )
