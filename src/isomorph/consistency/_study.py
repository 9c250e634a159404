"""A consistency study: models, data sets and measures in one TOML file, and everything from pixels to the answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from isomorph.consistency._model_set import ModelSet
from isomorph.errors import InputError, IsomorphError, UnknownNameError
from isomorph.spec import read_study
from isomorph.store import store_beside

if TYPE_CHECKING:
    from isomorph.consistency._consistency import Consistency
    from isomorph.consistency._result import ConsistencyResult
    from isomorph.consistency._similarities import Similarities
    from isomorph.engine import Progress, StudyParts
    from isomorph.measures import Measure
    from isomorph.stimuli import Stimuli
    from isomorph.store import Store

_MEASURES = ("cka", "rbf-cka sigma=0.4 sigma_unit=absolute", "rsa comparison=spearman")


@dataclass(frozen=True, kw_only=True)
class Study:
    """Do the relations between models carry over from one data set to another? Everything that answers it, in one file.

    Every model sees every data set once; then all pairs of models are compared on each, in one pass for all measures; then a probe reads
    the labels, where a data set has them; then `Consistency`. Each step is kept in the store, so that the same command goes on after an
    interruption, and a study with one more model runs that model only.

    Attributes:
        name: What the study is called.
        models: Names of models; shell patterns take all that match.
        datasets: Names from `isomorph list stimuli`, or folders of pictures or tar shards, counted from the study's file.
        measures: Names from `isomorph list measures`, options behind them: `"rbf-cka sigma=0.4 sigma_unit=absolute"`.
        layers: Model or pattern → layer. Where none is given: the layer that the model's card recommends, else `"penultimate"`, what feeds
            the classifier.
        pool: As `isomorph.extract` takes it. None: what the card recommends for its layer, else `"flatten"`.
        normalise: Divide each stimulus's features by their length first, as Ciernik et al. do: an absolute σ means the same for all models.
        largest: A data set with more stimuli is cut to a class-balanced subset of this size, seeded by its own name.
        by: Metadata columns that group the models; each value is a set.
        sets: Sets of models by rules; given, all pairs of these are analysed too.
        anchors: Models (or patterns) whose similarities to all others of each category of the first `by` are followed one by one.
        metadata: A table of what is known of the models (.csv, .json, .parquet); it adds to and corrects the models' cards.
        domains: Data set → what kind of pictures it holds.
        probe: How labels are read for the performance of a model: `"ridge"`, `"logistic"`, `"adamw"`, or `"none"`.
        on_error: `"raise"`, or `"skip"`: a model that fails on a data set is missing there, and the report says so.
        method: How similarities are correlated.
        replicates: Bootstrap replicates for each interval.
        permutations: Permutations of model labels for each p-value.
        resample: What the bootstrap draws.
        minimum_pairs: Fewer pairs of models than this have no consistency.
        level: The intervals' coverage.
        seed: Seed of everything that is drawn.
        memory_limit: What one step may hold in memory.
        device: Where the models run.
        ranges: Among how many units each long step is shared out, for several processes: a model's pass over a data set, the comparison of
            all models there, the folds of a probe, the draws of an answer. It changes no number; more than 1 adds the stages `rows`,
            `stripes` (with the folds) and `draws`.
        report: The folder of the report, beside the study's file.
        store: The store's folder; default: `$ISOMORPH_STORE`.

    Example:
        >>> Study(name="first", models=("bundled/*",), datasets=("edges", "silhouettes")).probe
        'ridge'
    """

    name: str
    models: tuple[str, ...]
    datasets: tuple[str, ...]
    measures: tuple[str, ...] = _MEASURES
    layers: Mapping[str, str] = field(default_factory=dict)
    pool: Literal["flatten", "mean", "max", "cls", "tokens", "cls+tokens"] | None = None
    normalise: bool = True
    largest: int = 10_000
    by: tuple[str, ...] = ("training",)
    sets: tuple[ModelSet, ...] = ()
    anchors: tuple[str, ...] = ()
    metadata: Path | None = None
    domains: Mapping[str, str] = field(default_factory=dict)
    probe: Literal["ridge", "logistic", "adamw", "none"] = "ridge"
    on_error: Literal["raise", "skip"] = "raise"
    method: Literal["pearson", "spearman"] = "pearson"
    replicates: int = 1000
    permutations: int = 1000
    resample: Literal["models", "datasets", "both"] = "models"
    minimum_pairs: int = 10
    level: float = 0.95
    seed: int = 0
    memory_limit: str = "2GB"
    device: str = "cpu"
    ranges: int = 1
    report: Path = Path("consistency")
    store: str | Path | None = None

    def __post_init__(self) -> None:
        for what in ("models", "datasets", "measures"):
            if not getattr(self, what):
                raise InputError(f"the study {self.name!r} names no {what}.")
        if len(set(self.datasets)) < 2:
            raise InputError(
                f"consistency is between data sets, and the study {self.name!r} has {len(set(self.datasets))}; give two or more."
            )
        if self.largest < 4:
            raise InputError(f"the study {self.name!r} cuts data sets to {self.largest} stimuli; the measures need at least 4.")
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
            datasets=tuple(str(here / each) if (here / each).is_dir() else each for each in study.datasets),
            report=here / study.report,
            store=store_beside(study.store, here),
            metadata=here / study.metadata if study.metadata else None,
        )

    @cached_property
    def question(self) -> Consistency:
        """The analysis that the options ask for."""
        from isomorph.consistency._consistency import Consistency

        return Consistency(
            method=self.method,
            replicates=self.replicates,
            permutations=self.permutations,
            resample=self.resample,
            minimum_pairs=self.minimum_pairs,
            level=self.level,
            seed=self.seed,
            missing="drop" if self.on_error == "skip" else "raise",
        )

    def model_names(self) -> tuple[str, ...]:
        """The models that see pictures, patterns replaced by what they match.

        Raises:
            InputError: A pattern matches nothing, or fewer than three models are left.
        """
        from isomorph.models import list_models

        names: list[str] = []
        for each in self.models:
            matching = list_models(each, modality="image") if set(each) & set("*?[") else [each]
            if not matching:
                raise InputError(f"the study {self.name!r} asks for the models {each!r}, and none match. `isomorph list models` shows all.")
            names += matching
        names = list(dict.fromkeys(names))
        if len(names) < 3:
            raise InputError(f"relations between models need at least three models; the study {self.name!r} has {len(names)}.")
        return tuple(names)

    def chosen_measures(self) -> dict[str, Measure]:
        """The measures by what the study calls them."""
        from isomorph.consistency._parse_measure import parse_measure

        return {each: parse_measure(each) for each in self.measures}

    def stimuli(self) -> tuple[dict[str, Stimuli], tuple[str, ...]]:
        """The data sets by name, each cut to `largest`; and a sentence for each that was cut."""
        from isomorph.benchmarks import load_stimuli
        from isomorph.stimuli import balanced_subset

        sets: dict[str, Stimuli] = {}
        notes: list[str] = []
        for each in self.datasets:
            name = Path(each).name
            try:
                whole = load_stimuli(each)
            except UnknownNameError as error:
                raise InputError(
                    f"the study {self.name!r}, datasets: {error} Nor is there such a folder beside the study's file."
                ) from error
            if name in sets:
                raise InputError(f"the study {self.name!r} has two data sets called {name!r}; rename a folder.")
            sets[name] = whole
            if len(whole) > self.largest:
                labels = whole.labels or ("no label",) * len(whole)
                subset = balanced_subset(labels, whole.ids, self.largest, name=name, seed=self.seed)
                sets[name] = whole.take(subset.ids)
                notes.append(subset.note)
        return sets, tuple(notes)

    def run(self, store: Store, *, progress: Progress | None = None) -> StudyOutcome:
        """Do what is not done yet, and answer.

        Raises:
            IsomorphError: A step failed; what was finished stays finished. With `on_error="skip"` a failing model is left out of that
                data set.
        """
        from isomorph.consistency._study_run import run_study

        return run_study(self, store, progress=progress)

    @cached_property
    def parts(self) -> StudyParts:
        """Its stages: `features`, one unit a model and data set; `similarities`, one a data set, and the probes; `consistency`.

        With `ranges` each has one before it, in which its long units are shared out: `rows`, `stripes` and `draws`.
        """
        from isomorph.consistency._study_parts import study_parts

        return study_parts(self)

    def plan(self, store: Store) -> Iterator[dict[str, Any]]:
        """What `run` would do, one row a model and data set; models are shown nothing.

        With `on_error="skip"` a model that cannot be loaded has no row.
        """
        from isomorph.consistency._study_run import StudyRun, feature_units

        run = StudyRun(self, store)
        for model in run.models:
            try:
                for unit in feature_units(self, model, run.stimuli):
                    finished = unit.fingerprint in store
                    yield {"model": model.asked, "dataset": unit.dataset, "stimuli": len(unit.stimuli), "finished": finished}
            except IsomorphError:
                if self.on_error == "raise":
                    raise


@dataclass(frozen=True)
class StudyOutcome:
    """What a study found.

    Attributes:
        similarities: All models against all, on every data set, by every measure.
        results: Grouping column → the consistency of its sets; `"sets"` for the study's own rules.
        notes: Sentences that must travel with the numbers: what was skipped, cut or left out.
    """

    similarities: Similarities
    results: Mapping[str, ConsistencyResult]
    notes: tuple[str, ...] = ()
