"""A consistency study as stages that any number of processes may share."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from isomorph.consistency._study_answer import answer_label, draws_label, groupings
from isomorph.consistency._study_probe import folds_label, probe_label, probe_parts
from isomorph.consistency._study_run import Extracted, StudyRun, unlearnable
from isomorph.consistency._study_similarity import pairs_label, stripes_label
from isomorph.consistency._study_units import RowsUnit, rows_label
from isomorph.engine import LazyUnit, Part, Progress, StudyParts
from isomorph.errors import IsomorphError
from isomorph.store import Store

if TYPE_CHECKING:
    from isomorph.consistency._study import Study
    from isomorph.consistency._study_answer import AnswerUnit
    from isomorph.engine import WorkUnit
    from isomorph.engine._study_parts import Maker
    from isomorph.models._model_needs import ModelNeeds
    from isomorph.models._named_model import NamedModel

ROWS, FEATURES = "rows", "features"


def study_parts(study: Study) -> StudyParts:
    """The stages `features` (one unit a model and data set), `similarities` (one a data set, and the probes) and `consistency`.

    With ranges each has one before it that shares out its long units: `rows`, `stripes` (and folds of probes) and `draws`.
    """
    parts = _Parts(study)
    whole: list[tuple[str, Maker]] = [(FEATURES, parts.features), ("similarities", parts.similarities), ("consistency", parts.consistency)]
    ranges: list[tuple[str, Maker]] = [(ROWS, parts.rows), ("stripes", parts.stripes), ("draws", parts.draws)]
    stages = [each for pair in zip(ranges, whole, strict=True) for each in pair] if study.ranges > 1 else whole
    expected = {
        "stripes": parts.expected_stripes,
        "similarities": parts.expected_similarities,
        "draws": parts.expected_draws,
        "consistency": parts.expected_answers,
    }
    return StudyParts(
        name=study.name,
        report=study.report,
        store=study.store,
        makers=dict(stages),
        expected=expected,
        may_fail=frozenset({ROWS, FEATURES}) if study.on_error == "skip" else frozenset(),
    )


class _Parts:
    """The functions that make units; what they share is read once."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self._runs: dict[tuple[object, ...], tuple[StudyRun, dict[tuple[str, str], LazyUnit]]] = {}

    def rows(self, store: Store, progress: Progress | None) -> list[LazyUnit]:
        run, _ = self._of(store, progress)
        return [
            LazyUnit(
                label=rows_label(f"{model.asked} on {dataset}", part),
                make=partial(_rows_unit, run, model, dataset, part),
                asks=_needs(run, model, dataset),
            )
            for model in run.models
            for dataset in run.stimuli
            for part in self._dealt()
        ]

    def features(self, store: Store, progress: Progress | None) -> list[LazyUnit]:
        return [*self._of(store, progress)[1].values()]

    def stripes(self, store: Store, progress: Progress | None) -> list[LazyUnit]:
        run, features = self._of(store, progress)[0], self._extracted(store, progress)
        units: list[WorkUnit] = [unit for whole in run.similarity_units(features) for unit in whole.stripes()]
        units += [unit for whole in run.probe_units(features).values() for unit in whole.pieces()]
        return [LazyUnit.of(unit) for unit in units]

    def similarities(self, store: Store, progress: Progress | None) -> list[LazyUnit]:
        run, features = self._of(store, progress)[0], self._extracted(store, progress)
        units: list[WorkUnit] = [*run.similarity_units(features), *run.probe_units(features).values()]
        return [LazyUnit.of(unit) for unit in units]

    def draws(self, store: Store, progress: Progress | None) -> list[LazyUnit]:
        return [LazyUnit.of(unit) for answer in self._answers(store, progress) for unit in answer.draws()]

    def consistency(self, store: Store, progress: Progress | None) -> list[LazyUnit]:
        return [LazyUnit.of(unit) for unit in self._answers(store, progress)]

    def expected_stripes(self) -> list[str]:
        stripes = [stripes_label(label, part) for label in self._expected_pairs() for part in self._dealt()]
        probes = [(probe, part) for probe, stimuli in self._expected_probes() for part in probe_parts(stimuli, self.study.ranges)]
        return stripes + [folds_label(*each) for each in probes]

    def expected_similarities(self) -> list[str]:
        return self._expected_pairs() + [probe for probe, _ in self._expected_probes()]

    def _expected_probes(self) -> list[tuple[str, int]]:
        """Of each its label, and the number of stimuli."""
        names, (stimuli, _) = self.study.model_names(), self.study.stimuli()
        probed = {dataset: len(each) for dataset, each in stimuli.items() if self.study.probe != "none" and not unlearnable(each)}
        return [(probe_label(name, dataset), count) for dataset, count in probed.items() for name in names]

    def _expected_pairs(self) -> list[str]:
        names, (stimuli, _) = self.study.model_names(), self.study.stimuli()
        return [pairs_label(len(names), dataset) for dataset in stimuli]

    def expected_draws(self) -> list[str]:
        return [draws_label(answer, part) for answer in self.expected_answers() for part in self._dealt()]

    def expected_answers(self) -> list[str]:
        return [answer_label(grouping, measure) for grouping in groupings(self.study) for measure in self.study.chosen_measures()]

    def _dealt(self) -> list[Part]:
        return [Part(number, self.study.ranges) for number in range(1, self.study.ranges + 1)]

    def _answers(self, store: Store, progress: Progress | None) -> list[AnswerUnit]:
        run, features = self._of(store, progress)[0], self._extracted(store, progress)
        return run.answer_units(features, run.similarities(features))

    def _of(self, store: Store, progress: Progress | None) -> tuple[StudyRun, dict[tuple[str, str], LazyUnit]]:
        """The run, and data set, model → the unit of its features."""
        key = (store.path, progress)
        if key not in self._runs:
            run = StudyRun(self.study, store, progress)
            units = {
                (dataset, model.asked): LazyUnit(
                    label=f"{model.asked} on {dataset}",
                    make=partial(run.feature_unit, model, dataset),
                    asks=_needs(run, model, dataset),
                )
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


def _rows_unit(run: StudyRun, model: NamedModel, dataset: str, part: Part) -> RowsUnit:
    return RowsUnit(features=run.feature_unit(model, dataset), part=part)


def _needs(run: StudyRun, model: NamedModel, dataset: str) -> ModelNeeds:
    """What a unit needs that runs a model; which layer it reads makes next to no difference."""
    from isomorph.models._model_needs import ModelNeeds

    return ModelNeeds(model=model, stimuli=run.stimuli[dataset], options={"layers": (-1,), "memory_limit": run.study.memory_limit})
