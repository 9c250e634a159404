"""The stages of a study of models, and their units."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph.errors import StageNotReadyError, UnknownNameError

if TYPE_CHECKING:
    from isomorph.engine import LazyUnit, Needs, Progress
    from isomorph.results._evaluation_units import Question
    from isomorph.results._study import Study
    from isomorph.stimuli import Stimuli
    from isomorph.store import Store

_AFTER_TARGETS = ("replicates", "scores")


def stages_of(study: Study) -> tuple[str, ...]:
    """Those that the study has; which, depends on its file and on the sizes of its benchmarks alone."""
    if study.ranges == 1:
        return ("targets", "scores") if study.stimuli else ("scores",)
    from isomorph.results._replicate_ranges import replicate_work

    sizes = (replicate_work(**each, inference=study.inference) for each in _sizes(study))
    split = any(each >= study.split_from for each in sizes)
    layers = "targets" if study.stimuli else "layers" if split else ""
    return tuple(filter(None, ("features", layers, "replicates" if split else "", "scores")))


@dataclass(frozen=True, eq=False)
class StudyStages:
    """The units of a study's stages.

    Attributes:
        study: The study.
        store: Where its results are kept.
        progress: Where progress is shown.
    """

    study: Study
    store: Store
    progress: Progress | None = None

    def units(self, stage: str) -> list[LazyUnit]:
        """As `Study.units` has it."""
        if stage not in self.study.stages:
            raise UnknownNameError("stage", stage, self.study.stages)
        self._check_before(stage)
        return self._units(stage)

    def _units(self, stage: str) -> list[LazyUnit]:
        from isomorph.results._evaluation_units import evaluations_of, layer_units, lazy_units, replicate_units
        from isomorph.results._feature_ranges import feature_ranges

        study, store, how = self.study, self.store, self._how
        names = study.model_names()
        if stage == "features":
            return feature_ranges(names, self._shown(), ranges=study.ranges, options=how, store=store, device=study.device)
        if stage == "targets":
            return self._targets()
        options = how | {"inference": study.inference, "ranges": study.ranges, "split_from": study.split_from}
        if stage == "scores":
            return lazy_units(names, self.questions(), store=store, options=options, device=study.device)
        evaluations = evaluations_of(names, self.questions(), store=store, options=options, device=study.device)
        return layer_units(evaluations, store=store) if stage == "layers" else replicate_units(evaluations)

    def needs(self, stage: str) -> list[Needs]:
        """As `Study.needs` has it."""
        from isomorph.models._model_needs import ModelNeeds
        from isomorph.models._named_model import named_models

        if self.study.stimuli is not None:  # all stages show the same models the same pictures
            needs = [unit.needs for unit in self._targets()]
        else:  # by the cards: benchmarks may be far away
            named = named_models(self.study.model_names(), device=self.study.device, store=self.store)
            needs = [ModelNeeds(model=each, stimuli=None, options=self._how)() for each in named]
        if stage == "replicates":  # which reads what models left
            return [replace(each, gpu=False, gpu_memory=None, gpu_least=None) for each in needs]
        return needs

    def labels(self, stage: str) -> list[str]:
        """As `Study.labels` has it."""
        study = self.study
        if study.stimuli is None or stage not in _AFTER_TARGETS:
            return [unit.label for unit in self._units(stage)]
        scores = [f"{each} on {Path(study.stimuli).name}" for each in study.model_names()]
        if stage == "scores":
            return scores
        return [f"replicates {number}/{study.ranges} of {each}" for each in scores for number in range(1, study.ranges + 1)]

    def questions(self) -> list[Question]:
        """What the models are held against; targets that are not there yet are made."""
        from isomorph.benchmarks import GeometryMatch, load_question
        from isomorph.results._model_targets import models_on

        study = self.study
        if study.stimuli is None:
            asked = [load_question(name) for name in study.benchmarks]
            return [replace(each, comparisons=_comparisons(study)) if isinstance(each, GeometryMatch) else each for each in asked]
        question = models_on(
            _pictures(study.stimuli, self.store),
            study.model_names(),
            name=Path(study.stimuli).name,
            store=self.store,
            device=study.device,
            **self._how,
        )
        return [replace(question, comparisons=_comparisons(study))]

    def waiting(self) -> list[dict[str, Any]]:
        """A plan for models that are each other's targets, while one of them has not seen the stimuli: nothing is finished then."""
        if self.study.stimuli is None:
            return []
        stimuli = self.study.stimuli
        shown, name, models = _pictures(stimuli, self.store), Path(stimuli).name, self.study.model_names()
        if all(unit.fingerprint in self.store for unit in self._targets()):
            return []
        rows = [{"model": each, "benchmark": name, "stimuli": len(shown), "finished": False} for each in models]
        return [row | {"targets": [each for each in models if each != row["model"]], "fingerprint": None} for row in rows]

    @property
    def _how(self) -> dict[str, Any]:
        study = self.study
        return {"layers": study.layers, "pool": study.pool, "memory_limit": study.memory_limit, "progress": self.progress}

    def _check_before(self, stage: str) -> None:
        """Raise `StageNotReadyError` unless the stage before is finished; the rows of `features` may also be made by who needs them."""
        position = self.study.stages.index(stage)
        if not position or self.study.stages[position - 1] == "features":
            return
        before = self.study.stages[position - 1]
        names = [unit.fingerprint for unit in self.units(before)]  # which looks at those before: no targets are made by a look
        finished = self.store.finished(names)
        if missing := sum(name not in finished for name in names):
            raise StageNotReadyError(
                f"the stage {stage!r} of the study {self.study.name!r} needs what the stage {before!r} makes, and {missing} of its units "
                "are not finished. Run all parts of that stage first."
            )

    def _shown(self) -> dict[str, Stimuli]:
        """The stimuli whose features are extracted, by the name of what asks for them."""
        from isomorph.benchmarks import GeometryMatch, load_question

        if self.study.stimuli is not None:
            return {Path(self.study.stimuli).name: _pictures(self.study.stimuli, self.store)}
        return {each.name: each.stimuli for each in map(load_question, self.study.benchmarks) if isinstance(each, GeometryMatch)}

    def _targets(self) -> list[LazyUnit]:
        """The last layers of the models, which are each other's targets."""
        from isomorph.engine import LazyUnit
        from isomorph.models._model_needs import ModelNeeds
        from isomorph.models._named_model import named_models
        from isomorph.results._fragment import default_pool
        from isomorph.results._model_targets import ModelTarget

        if self.study.stimuli is None:
            return []
        shown, how = _pictures(self.study.stimuli, self.store), self._how
        return [
            LazyUnit(
                label=f"the last layer of {each.asked} on {Path(self.study.stimuli).name}",
                make=partial(ModelTarget, model=each, stimuli=shown, **how),
                asks=ModelNeeds(model=each, stimuli=shown, options={**how, "pool": how["pool"] or default_pool(each), "reduce": "gram"}),
            )
            for each in named_models(self.study.model_names(), device=self.study.device, store=self.store)
        ]


def _comparisons(study: Study) -> tuple[str, ...]:
    return tuple(each.removeprefix("rsa-") for each in study.measures)


def _sizes(study: Study) -> Iterator[dict[str, Any]]:
    """How much there is to compare, of every benchmark of geometries."""
    from isomorph.benchmarks import GeometryMatch, load_question
    from isomorph.store import open_store

    comparisons = _comparisons(study)
    if study.stimuli is not None:
        shown = _pictures(study.stimuli, open_store(study.store))
        yield {"stimuli": len(shown), "targets": len(study.model_names()) - 1, "comparisons": comparisons}
    for each in map(load_question, study.benchmarks):
        if isinstance(each, GeometryMatch):
            yield {"stimuli": len(each.stimuli), "targets": len(each.targets), "comparisons": comparisons}


def _pictures(stimuli: str | Path, store: Store) -> Stimuli:
    from isomorph.benchmarks import load_stimuli
    from isomorph.stimuli import Stimuli, names_shards

    return load_stimuli(stimuli, store=store) if names_shards(stimuli) else Stimuli.from_folder(stimuli)
