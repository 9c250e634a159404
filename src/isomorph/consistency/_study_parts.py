"""A consistency study as stages that any number of processes may share."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from isomorph.consistency._study_answer import answer_label, groupings
from isomorph.consistency._study_run import Extracted, StudyRun, feature_units, unlearnable
from isomorph.engine import LazyUnit, Progress, StudyParts
from isomorph.errors import IsomorphError
from isomorph.store import Store

if TYPE_CHECKING:
    from isomorph.consistency._study import Study
    from isomorph.consistency._study_units import FeatureUnit
    from isomorph.engine import WorkUnit
    from isomorph.models._named_model import NamedModel

FEATURES = "features"


def study_parts(study: Study) -> StudyParts:
    """The stages `features` (one unit a model and data set), `similarities` (one a data set, and the probes) and `consistency`."""
    parts = _Parts(study)
    return StudyParts(
        name=study.name,
        report=study.report,
        store=study.store,
        makers={FEATURES: parts.features, "similarities": parts.similarities, "consistency": parts.consistency},
        expected={"similarities": parts.expected_similarities, "consistency": parts.expected_answers},
        may_fail=frozenset({FEATURES}) if study.on_error == "skip" else frozenset(),
    )


class _Parts:
    """The functions that make units; what they share is read once."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self._runs: dict[tuple[object, ...], tuple[StudyRun, dict[tuple[str, str], LazyUnit]]] = {}

    def features(self, store: Store, progress: Progress | None) -> list[LazyUnit]:
        return [*self._of(store, progress)[1].values()]

    def similarities(self, store: Store, progress: Progress | None) -> list[LazyUnit]:
        run, features = self._of(store, progress)[0], self._extracted(store, progress)
        units: list[WorkUnit] = [*run.similarity_units(features), *run.probe_units(features).values()]
        return [LazyUnit.of(unit) for unit in units]

    def consistency(self, store: Store, progress: Progress | None) -> list[LazyUnit]:
        run, features = self._of(store, progress)[0], self._extracted(store, progress)
        return [LazyUnit.of(unit) for unit in run.answer_units(features, run.similarities(features))]

    def expected_similarities(self) -> list[str]:
        names, (stimuli, _) = self.study.model_names(), self.study.stimuli()
        labels = [f"{len(names)} models on {dataset}, all pairs" for dataset in stimuli]
        probed = [dataset for dataset, each in stimuli.items() if self.study.probe != "none" and not unlearnable(each)]
        return labels + [f"probe of {name} on {dataset}" for dataset in probed for name in names]

    def expected_answers(self) -> list[str]:
        return [answer_label(grouping, measure) for grouping in groupings(self.study) for measure in self.study.chosen_measures()]

    def _of(self, store: Store, progress: Progress | None) -> tuple[StudyRun, dict[tuple[str, str], LazyUnit]]:
        """The run, and data set, model → the unit of its features."""
        key = (store.path, progress)
        if key not in self._runs:
            run = StudyRun(self.study, store, progress)
            units = {
                (dataset, model.asked): LazyUnit(label=f"{model.asked} on {dataset}", make=partial(_feature_unit, run, model, dataset))
                for model in run.models
                for dataset in run.stimuli
            }
            self._runs[key] = run, units
        return self._runs[key]

    def _extracted(self, store: Store, progress: Progress | None) -> Extracted:
        """What the finished units of the first stage are called; with `on_error = "skip"` some may be missing."""
        run, units = self._of(store, progress)
        done: Extracted = {dataset: {} for dataset in run.stimuli}
        for (dataset, name), unit in units.items():
            try:
                if self.study.on_error == "raise" or unit.fingerprint in store:
                    done[dataset][name] = unit.fingerprint
            except IsomorphError:
                if self.study.on_error == "raise":
                    raise
        return done


def _feature_unit(run: StudyRun, model: NamedModel, dataset: str) -> FeatureUnit:
    (unit,) = feature_units(run.study, model, {dataset: run.stimuli[dataset]}, progress=run.progress)
    return unit
