"""A study: everything that one evaluation needs, in one TOML file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from isomorph.errors import InputError
from isomorph.results._evaluation_units import SPLIT_FROM
from isomorph.results._study_stages import StudyStages, stages_of
from isomorph.spec import read_study
from isomorph.store import store_beside

if TYPE_CHECKING:
    from isomorph.benchmarks._geometry_match import Inference
    from isomorph.engine import LazyUnit, Needs, Progress
    from isomorph.results._results import Results
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
            is worth its while from some thousand stimuli on. Many replicates are shared out, too, in the stage `replicates`. The results
            have the same bits.
        split_from: How many replicates are many: replicates × pairs of stimuli, over all targets and measures of ranks (those of other
            measures, and permutations but those of τ, count a fiftieth).
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
    split_from: float = SPLIT_FROM
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

        stages = StudyStages(self, store)
        options = {"layers": self.layers, "pool": self.pool, "inference": self.inference}
        return stages.waiting() or plan(self.model_names(), stages.questions(), store=store, options=options)

    def run(self, store: Store, *, progress: Progress | None = None) -> Results:
        """Do what is not done yet and return the results."""
        from isomorph.results._evaluate import evaluate

        return evaluate(
            self.model_names(),
            StudyStages(self, store, progress).questions(),
            store=store,
            layers=self.layers,
            pool=self.pool,
            replicates=self.replicates,
            seed=self.seed,
            permutations=self.permutations,
            resample=self.resample,
            memory_limit=self.memory_limit,
            device=self.device,
            ranges=self.ranges,
            split_from=self.split_from,
            progress=progress,
        )

    @property
    def may_fail(self) -> frozenset[str]:
        """None of the stages; the study needs every unit."""
        return frozenset()

    @cached_property
    def stages(self) -> tuple[str, ...]:
        """The stages, each of which needs all of the one before; `run` goes through them by itself."""
        return stages_of(self)

    def units(self, store: Store, *, stage: str, progress: Progress | None = None) -> list[LazyUnit]:
        """The units of one stage, in the same order on every machine; none needs another of its stage.

        Raises:
            UnknownNameError: The study has no such stage.
            StageNotReadyError: The stage before is not finished.
        """
        return StudyStages(self, store, progress).units(stage)

    def needs(self, store: Store, *, stage: str, progress: Progress | None = None) -> list[Needs]:
        """What the units of a stage need of their workers, also while a stage before is not finished."""
        return StudyStages(self, store, progress).needs(stage)

    def labels(self, store: Store, *, stage: str) -> list[str]:
        """What the units of a stage do, also while a stage before is not finished."""
        return StudyStages(self, store).labels(stage)

    @property
    def inference(self) -> Inference:
        """How scores get their intervals and p-values."""
        from isomorph.benchmarks._geometry_match import Inference

        return Inference(replicates=self.replicates, seed=self.seed, resample=self.resample, permutations=self.permutations)


def _beside(stimuli: str | Path, here: Path) -> str | Path:
    from isomorph.stimuli import names_shards, shards_beside

    placed = shards_beside(str(stimuli), here)
    return placed if names_shards(placed) else Path(placed)
