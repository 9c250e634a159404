"""A study: everything that one evaluation needs, in one TOML file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from isomorph.errors import InputError, StageNotReadyError, UnknownNameError
from isomorph.spec import read_study
from isomorph.store import store_beside

if TYPE_CHECKING:
    from isomorph.benchmarks import BehaviourMatch, GeometryMatch
    from isomorph.benchmarks._geometry_match import Inference
    from isomorph.engine import LazyUnit, Needs, Progress
    from isomorph.results._results import Results
    from isomorph.stimuli import Stimuli
    from isomorph.store import Store

Measure = Literal["rsa-pearson", "rsa-spearman", "rsa-cosine", "rsa-tau-a", "rsa-rho-a"]


@dataclass(frozen=True, kw_only=True)
class Study:
    """Models, and what they are held against.

    Attributes:
        name: What the study is called.
        models: Names of models; shell patterns take all that match.
        benchmarks: Names of benchmarks: of geometries, and of answers (model-vs-human, shape-bias).
        stimuli: A folder of pictures, or tar shards as `isomorph.stimuli.shard_names` reads them, instead of benchmarks: the models are
            then compared with one another.
        layers: As `isomorph.evaluate` takes them.
        pool: As `isomorph.evaluate` takes it.
        measures: How RDMs are compared; the first ranks. Answers have measures of their own.
        replicates: Bootstrap replicates for each interval.
        permutations: Permutations for each p-value.
        resample: What the bootstrap draws.
        seed: Seed of both.
        memory_limit: What an extraction may hold in memory.
        device: Where the models run.
        ranges: Among how many units one model's pass over one set of stimuli is shared out; more than 1 adds the stage `features`, which
            is worth its while from some thousand stimuli on. The results have the same bits.
        report: The folder of the report, beside the study's file.
        store: The store's folder; default: `$ISOMORPH_STORE`.

    Example:
        >>> Study(name="first", models=("bundled/pixels",), benchmarks=("kriegeskorte-92",)).seed
        0
    """

    name: str
    models: tuple[str, ...]
    benchmarks: tuple[str, ...] = ()
    stimuli: str | Path | None = None
    layers: str | tuple[str | int | float, ...] = "all"
    pool: str | None = None
    measures: tuple[Measure, ...] = ("rsa-pearson",)
    replicates: int = 1000
    permutations: int = 1000
    resample: Literal["stimuli", "subjects", "both"] = "stimuli"
    seed: int = 0
    memory_limit: str = "2GB"
    device: str = "cpu"
    ranges: int = 1
    report: Path = Path("report")
    store: str | Path | None = None

    def __post_init__(self) -> None:
        if not self.models:
            raise InputError(f"the study {self.name!r} names no models.")
        if bool(self.benchmarks) == (self.stimuli is not None):
            raise InputError(f"the study {self.name!r} needs either benchmarks or stimuli, and not both.")
        if not self.measures:
            raise InputError(f"the study {self.name!r} names no measures.")
        if not 1 <= self.ranges <= 100_000:
            raise InputError(f"ranges of the study {self.name!r} must be between 1 and 100,000; got {self.ranges}.")

    @staticmethod
    def load(path: Path | str) -> Study:
        """Read a study; its paths count from the folder that holds it.

        Raises:
            FileError: There is no such file, or it is not TOML.
            InputError: An option is unknown, missing or of the wrong type; the message says where.
        """
        path = Path(path)
        study = read_study(Study, path)
        here = path.resolve().parent
        return replace(
            study,
            report=here / study.report,
            store=store_beside(study.store, here),
            stimuli=_beside(study.stimuli, here) if study.stimuli else None,
        )

    def model_names(self) -> tuple[str, ...]:
        """The models, patterns replaced by what they match.

        Raises:
            InputError: A pattern matches nothing.
        """
        from isomorph.models import list_models

        names: list[str] = []
        for each in self.models:
            matching = list_models(each) if set(each) & set("*?[") else [each]
            if not matching:
                raise InputError(f"the study {self.name!r} asks for the models {each!r}, and none match. `isomorph list models` shows all.")
            names += matching
        return tuple(dict.fromkeys(names))

    def plan(self, store: Store) -> list[dict[str, Any]]:
        """What `run` would do: one row a model and benchmark; no model is run."""
        from isomorph.results._evaluate import plan

        waiting = self._waiting(store)
        if waiting:
            return waiting
        options = {"layers": self.layers, "pool": self.pool, "inference": self._inference}
        return plan(self.model_names(), self._questions(store, None), store=store, options=options)

    def run(self, store: Store, *, progress: Progress | None = None) -> Results:
        """Do what is not done yet and return the results."""
        from isomorph.results._evaluate import evaluate

        return evaluate(
            self.model_names(),
            self._questions(store, progress),
            store=store,
            layers=self.layers,
            pool=self.pool,
            replicates=self.replicates,
            seed=self.seed,
            permutations=self.permutations,
            resample=self.resample,
            memory_limit=self.memory_limit,
            device=self.device,
            progress=progress,
        )

    @property
    def may_fail(self) -> frozenset[str]:
        """None of the stages; the study needs every unit."""
        return frozenset()

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages, each of which needs all of the one before; `run` goes through them by itself."""
        first = ("features",) if self.ranges > 1 else ()
        return (*first, "targets", "scores") if self.stimuli else (*first, "scores")

    def units(self, store: Store, *, stage: str, progress: Progress | None = None) -> list[LazyUnit]:
        """The units of one stage, in the same order on every machine; none needs another of its stage.

        Raises:
            UnknownNameError: The study has no such stage.
            StageNotReadyError: The stage before is not finished.
        """
        from isomorph.results._evaluate import lazy_units
        from isomorph.results._feature_ranges import feature_ranges

        if stage not in self.stages:
            raise UnknownNameError("stage", stage, self.stages)
        how: dict[str, Any] = {"layers": self.layers, "pool": self.pool, "memory_limit": self.memory_limit, "progress": progress}
        if stage == "features":
            return feature_ranges(self.model_names(), self._shown(store), ranges=self.ranges, options=how, store=store, device=self.device)
        if stage == "targets":
            return self._targets(store, how)
        before = [unit.fingerprint for unit in self._targets(store, how)]
        finished = store.finished(before)
        if missing := sum(name not in finished for name in before):
            raise StageNotReadyError(
                f"the stage 'scores' of the study {self.name!r} needs what the stage 'targets' makes, and {missing} of its units are not "
                "finished. Run all parts of that stage first."
            )
        options = how | {"inference": self._inference}
        return lazy_units(self.model_names(), self._questions(store, progress), store=store, options=options, device=self.device)

    def needs(self, store: Store, *, stage: str, progress: Progress | None = None) -> list[Needs]:
        """What the units of a stage need of their workers, also while a stage before is not finished."""
        from isomorph.models._model_needs import ModelNeeds
        from isomorph.models._named_model import named_models

        how = {"layers": self.layers, "pool": self.pool, "memory_limit": self.memory_limit}
        if self.stimuli is not None:  # all stages show the same models the same pictures
            return [unit.needs for unit in self._targets(store, how)]
        named = named_models(self.model_names(), device=self.device, store=store)
        return [ModelNeeds(model=each, stimuli=None, options=how)() for each in named]  # by the cards: benchmarks may have to be fetched

    def labels(self, store: Store, *, stage: str) -> list[str]:
        """What the units of a stage do, also while a stage before is not finished."""
        if self.stimuli is None or stage != "scores":
            return [unit.label for unit in self.units(store, stage=stage)]
        return [f"{each} on {Path(self.stimuli).name}" for each in self.model_names()]

    def _shown(self, store: Store) -> dict[str, Stimuli]:
        """The stimuli whose features are extracted, by the name of what asks for them."""
        from isomorph.benchmarks import GeometryMatch, load_question

        if self.stimuli is not None:
            return {Path(self.stimuli).name: _pictures(self.stimuli, store)}
        return {each.name: each.stimuli for each in map(load_question, self.benchmarks) if isinstance(each, GeometryMatch)}

    def _targets(self, store: Store, how: Mapping[str, Any]) -> list[LazyUnit]:
        """The last layers of the models, which are each other's targets."""
        from isomorph.engine import LazyUnit
        from isomorph.models._model_needs import ModelNeeds
        from isomorph.models._named_model import named_models
        from isomorph.results._fragment import default_pool
        from isomorph.results._model_targets import ModelTarget

        if self.stimuli is None:
            return []
        shown = _pictures(self.stimuli, store)
        return [
            LazyUnit(
                label=f"the last layer of {each.asked} on {Path(self.stimuli).name}",
                make=partial(ModelTarget, model=each, stimuli=shown, **how),
                asks=ModelNeeds(model=each, stimuli=shown, options={**how, "pool": how["pool"] or default_pool(each), "reduce": "gram"}),
            )
            for each in named_models(self.model_names(), device=self.device, store=store)
        ]

    @property
    def _inference(self) -> Inference:
        from isomorph.benchmarks._geometry_match import Inference

        return Inference(replicates=self.replicates, seed=self.seed, resample=self.resample, permutations=self.permutations)

    def _questions(self, store: Store, progress: Progress | None) -> list[GeometryMatch | BehaviourMatch]:
        from isomorph.benchmarks import GeometryMatch, load_question
        from isomorph.results._model_targets import models_on

        comparisons = tuple(each.removeprefix("rsa-") for each in self.measures)
        if self.stimuli is None:
            asked = [load_question(name) for name in self.benchmarks]
            return [replace(each, comparisons=comparisons) if isinstance(each, GeometryMatch) else each for each in asked]
        question = models_on(
            _pictures(self.stimuli, store),
            self.model_names(),
            name=Path(self.stimuli).name,
            store=store,
            layers=self.layers,
            pool=self.pool,
            memory_limit=self.memory_limit,
            device=self.device,
            progress=progress,
        )
        return [replace(question, comparisons=comparisons)]

    def _waiting(self, store: Store) -> list[dict[str, Any]]:
        """A plan for models that are each other's targets, while one of them has not seen the stimuli: nothing is finished then."""
        if self.stimuli is None:
            return []
        shown, name, models = _pictures(self.stimuli, store), Path(self.stimuli).name, self.model_names()
        units = self._targets(store, {"layers": self.layers, "pool": self.pool})
        if all(unit.fingerprint in store for unit in units):
            return []
        rows = [{"model": each, "benchmark": name, "stimuli": len(shown), "finished": False} for each in models]
        return [row | {"targets": [each for each in models if each != row["model"]], "fingerprint": None} for row in rows]


def _beside(stimuli: str | Path, here: Path) -> str | Path:
    from isomorph.stimuli import names_shards, shards_beside

    placed = shards_beside(str(stimuli), here)
    return placed if names_shards(placed) else Path(placed)


def _pictures(stimuli: str | Path, store: Store) -> Stimuli:
    from isomorph.benchmarks import load_stimuli
    from isomorph.stimuli import Stimuli, names_shards

    return load_stimuli(stimuli, store=store) if names_shards(stimuli) else Stimuli.from_folder(stimuli)
