"""A study of brains: models, recordings and a protocol in one TOML file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from isomorph.errors import InputError, IsomorphError
from isomorph.results._encoding_options import protocol_with
from isomorph.spec import read_study
from isomorph.store import store_beside

if TYPE_CHECKING:
    from isomorph.encoding import BrainScores, Protocol
    from isomorph.engine import Progress, StudyParts
    from isomorph.models import ModelCard
    from isomorph.results._contrast import Contrast
    from isomorph.results._encoding_plan import BrainPlan
    from isomorph.store import Store


@dataclass(frozen=True, kw_only=True)
class ContrastOptions:
    """A controlled comparison that a study asks for; the columns are those of model cards.

    Attributes:
        factor: What the compared models differ in.
        levels: Two of its values, or all.
        hold: What they must agree in.
    """

    factor: str
    levels: tuple[str, ...] = ()
    hold: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class EncodingStudy:
    """Every layer of models against recordings of brains, by one protocol.

    Each model sees each recording's stimuli once, whatever the number of layers. One model on one recording, or on a chunk of the regions
    of a large one, is a unit of work with a fingerprint: units found in the store are not done again, so that the same command goes on
    after an interruption.

    Attributes:
        name: What the study is called.
        models: Names of models; shell patterns take all that see what the recordings showed.
        recordings: Benchmarks by name (their brains; what is only RDMs gives cRSA), or what `isomorph.brains.load_recording` reads, counted
            from the study's file.
        stimuli: Recording → the folder of pictures that was shown (ids are file names), or a table of texts; needed where the recording is
            no benchmark.
        column: The column of such tables that holds the texts.
        group: The column that says what each text is about, as the picture of a caption: features are averaged over it.
        units: Recording → its table of units.
        regions: Regions to score, of those that a recording has; none: all.
        protocol: One of `isomorph.encoding.list_protocols()`.
        metrics: Instead of the protocol's.
        alphas: Instead of the protocol's.
        cv: How penalties are chosen: `"loo"`, or a number of folds.
        options: Other fields of the protocol: `scorer`, `normaliser`, `aggregator`, `ceiling`, `distance`, `comparison` …
        layers: As `isomorph.evaluate` takes them.
        pool: As `isomorph.evaluate` takes it.
        contrasts: Controlled comparisons of the models.
        intervals: `"delta"`, or `"bootstrap"` over stimuli, as in `isomorph.encode`.
        replicates: Of the bootstrap.
        permutations: Permutations for each p-value.
        level: The intervals' coverage.
        seed: Seed of both.
        units_at_once: Units of a brain that one unit of work scores, in whole regions: a larger recording is scored in chunks.
        memory_limit: What an extraction may hold in memory.
        device: Where the models run.
        report: The folder of the report, beside the study's file.
        store: The store's folder; default: `$ISOMORPH_STORE`.

    Example:
        >>> EncodingStudy(name="first", models=("bundled/pixels",), recordings=("kriegeskorte-92",)).protocol
        'conwell2024'
    """

    name: str
    models: tuple[str, ...]
    recordings: tuple[str, ...]
    stimuli: Mapping[str, Path] = field(default_factory=dict)
    column: str | None = None
    group: str | None = None
    units: Mapping[str, Path] = field(default_factory=dict)
    regions: tuple[str, ...] = ()
    protocol: str = "conwell2024"
    metrics: tuple[str, ...] = ()
    alphas: tuple[float, ...] = ()
    cv: str | int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    layers: str | tuple[str | int | float, ...] = "all"
    pool: str | None = None
    contrasts: tuple[ContrastOptions, ...] = ()
    intervals: Literal["delta", "bootstrap"] = "delta"
    replicates: int = 1000
    permutations: int = 0
    level: float = 0.95
    seed: int = 0
    units_at_once: int = 8192
    memory_limit: str = "2GB"
    device: str = "cpu"
    report: Path = Path("report")
    store: str | Path | None = None

    def __post_init__(self) -> None:
        for what in ("models", "recordings"):
            if not getattr(self, what):
                raise InputError(f"the study {self.name!r} names no {what}.")
        if len(set(self.recordings)) < len(self.recordings):
            twice = next(each for each in self.recordings if self.recordings.count(each) > 1)
            raise InputError(f"the study {self.name!r} names the recording {twice!r} {self.recordings.count(twice)} times; once is enough.")
        if self.units_at_once < 1:
            raise InputError(f"the study {self.name!r}: units_at_once must be 1 or more; got {self.units_at_once}.")
        for what in ("stimuli", "units"):
            for each in getattr(self, what):
                if each not in self.recordings:
                    raise InputError(
                        f"the study {self.name!r} has {what} of {each!r}, which is none of its recordings: {', '.join(self.recordings)}."
                    )

    @staticmethod
    def load(path: Path | str) -> EncodingStudy:
        """Read a study; its paths count from the folder that holds it.

        Raises:
            FileError: There is no such file, or it is not TOML.
            InputError: An option is unknown, missing or of the wrong type; the message says where.
        """
        path = Path(path)
        study = read_study(EncodingStudy, path)
        here = path.resolve().parent

        def placed(name: str) -> str:
            return str(here / name) if (here / name).exists() else name

        return replace(
            study,
            recordings=tuple(placed(each) for each in study.recordings),
            stimuli={placed(name): here / each for name, each in study.stimuli.items()},
            units={placed(name): here / each for name, each in study.units.items()},
            report=here / study.report,
            store=store_beside(study.store, here),
        )

    def chosen_protocol(self) -> Protocol:
        """The protocol with the study's changes.

        Raises:
            UnknownNameError: There is no such protocol or option.
        """
        return protocol_with(self.protocol, metrics=self.metrics, alphas=self.alphas, cv=self.cv, options=self.options)

    def model_names(self, modalities: set[str]) -> tuple[str, ...]:
        """The models, patterns replaced by what they match and what takes such stimuli.

        Raises:
            InputError: A pattern matches nothing, or a model takes other stimuli than were shown.
        """
        from isomorph.models import list_models, model_card

        names: list[str] = []
        for each in self.models:
            if not set(each) & set("*?["):
                modality = model_card(each).modality
                if modality not in modalities:
                    raise InputError(
                        f"{each} takes {modality} stimuli, but the recordings ({', '.join(map(str, self.recordings))}) showed "
                        f"{' and '.join(sorted(modalities))} stimuli. Leave the model out, or add a recording of {modality} stimuli."
                    )
                names.append(each)
                continue
            matching = [name for modality in sorted(modalities) for name in list_models(each, modality=modality)]
            if not matching:
                raise InputError(
                    f"the study {self.name!r} asks for the models {each!r}, and none that take {' or '.join(sorted(modalities))} stimuli "
                    "match. `isomorph list models` shows all."
                )
            names += matching
        return tuple(dict.fromkeys(names))

    @cached_property
    def parts(self) -> StudyParts:
        """Its stages: `features`, one unit a model and recording, and `scores`, one a chunk of that."""
        return self._plan.parts

    def plan(self, store: Store) -> Iterator[dict[str, Any]]:
        """What `run` would do: one row a model and recording, and chunk of its regions; models are shown nothing."""
        for _, units in self._plan.units(store):
            for unit in units:
                yield {
                    "model": unit.model.name,
                    "recording": unit.shown.name,
                    "stimuli": len(unit.shown.recording.ids),
                    "regions": list(unit.regions),
                    "finished": unit.fingerprint in store,
                    "fingerprint": unit.fingerprint,
                }

    def run(self, store: Store, *, progress: Progress | None = None) -> BrainOutcome:
        """Do what is not done yet, and gather.

        Raises:
            IsomorphError: A unit failed; what was finished stays finished.
        """
        from isomorph.engine import run_plan

        found: dict[str, list[BrainScores]] = {}
        cards: dict[str, ModelCard] = {}
        for features, units in self._plan.units(store, progress):
            if any(unit.fingerprint not in store for unit in units):
                run_plan([features, *units], store=store, progress=progress)
            found.setdefault(features.shown.name, []).extend(unit.read(store) for unit in units)
            cards[features.model.name] = features.model.card
        scores = {name: first.merge(*others) for name, (first, *others) in found.items()}
        contrasts, notes = self._contrasts(scores, cards)
        return BrainOutcome(scores, contrasts, tuple(notes))

    @cached_property
    def _plan(self) -> BrainPlan:
        from isomorph.results._encoding_plan import BrainPlan

        return BrainPlan(self)

    def _contrasts(self, scores: Mapping[str, BrainScores], cards: Mapping[str, ModelCard]) -> tuple[dict[str, Contrast], list[str]]:
        """What can be compared; a contrast that the models do not allow is told of, so that hours of work still end in a report."""
        from isomorph.results import contrast

        made, notes = {}, []
        for each in self.contrasts:
            for recording, part in scores.items():
                name = each.factor + (f", holding {' and '.join(each.hold)}" if each.hold else "")
                name += f" ({recording})" if len(scores) > 1 else ""
                options: Any = {"levels": each.levels or None, "hold": each.hold, "replicates": self.replicates, "seed": self.seed}
                try:
                    made[name] = contrast(part.chosen().dropna(subset=["score"]), cards, each.factor, **options)
                except IsomorphError as error:
                    notes.append(f"no contrast of {name}: {error}")
        return made, notes


@dataclass(frozen=True, eq=False)
class BrainOutcome:
    """What a study of brains found.

    Attributes:
        scores: Recording → every layer of every model against every region.
        contrasts: Name → controlled comparison.
        notes: Sentences that must travel with the numbers.
    """

    scores: Mapping[str, BrainScores]
    contrasts: Mapping[str, Contrast]
    notes: tuple[str, ...] = ()
