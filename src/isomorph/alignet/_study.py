"""A whole AligNet run in one TOML file: from pictures to an aligned student, what it gained and what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from isomorph.alignet._sample_kinds import sampling_kind
from isomorph.errors import InputError
from isomorph.spec import read_study
from isomorph.store import store_beside

if TYPE_CHECKING:
    from isomorph.alignet._study_outcome import StudyOutcome
    from isomorph.engine import Progress, StudyParts
    from isomorph.store import Store


@dataclass(frozen=True, kw_only=True)
class TeacherPart:
    """Who says which picture is the odd one.

    Attributes:
        model: Its name.
        layer: What its features are; None: what its card names, else what feeds its classifier.
        pool: How that becomes one row; None: what the card names, else `"flatten"`.
        transform: A file of a map that brings the features closer to people: of `isomorph align fit` or `isomorph align teacher`.
        judgments: Instead of a file: a benchmark with people's dissimilarities, such as `"kriegeskorte-92"`, to fit the map to here.
        method: How: `"glocal"` or `"global"`.
        options: Of that method.
        trials: How many odd-one-out trials are drawn from the dissimilarities.
    """

    model: str
    layer: str | None = None
    pool: str | None = None
    transform: Path | None = None
    judgments: str | None = None
    method: Literal["glocal", "global"] = "glocal"
    options: Mapping[str, Any] = field(default_factory=dict)
    trials: int = 10_000


@dataclass(frozen=True, kw_only=True)
class TripletPart:
    """What the teacher is asked.

    Attributes:
        sampling: `"random"`, `"cluster"` or `"cluster_border"`; or, where the pictures lie in one folder a class, `"between_class"`,
            `"class_border"` or `"within_class"`.
        clusters: How many clusters of the teacher's features there are.
        transformed: Whether features are clustered after the map; before it otherwise.
        train: Triplets to learn from.
        validation: Triplets to look at while training, and of held-out pictures to judge by.
        ranges: Among how many units the labels of a split are shared out, of at least 262,144 triplets each; more than 1 adds the stages
            `drawn` and `labels`. The tables have the same bytes.
    """

    sampling: str = "cluster_border"
    clusters: int = 500
    transformed: bool = True
    train: int = 10_000_000
    validation: int = 10_000
    ranges: int = 1


@dataclass(frozen=True, kw_only=True)
class StudentPart:
    """Who learns.

    Attributes:
        model: Its name.
        layer: What its `pre_logits` are; None: what its card names, else what feeds its classifier.
        pool: How that becomes one row.
        recipe: Changes to how its pictures are prepared. AligNet's own: `resize = "squash"`, `interpolation = "opencv-cubic"`,
            `mean = [0, 0, 0]`, `std = [1, 1, 1]`.
        preset: `"alignet-released"` or `"alignet-paper"`, which `training` changes.
        training: Options of `FineTuning`.
        control: `"none"`; `"beside"`: also a student of the teacher *without* its map (UnAligNet), which should not come closer to people.
        tensorboard: Write events for TensorBoard into each student's folder, too.
    """

    model: str
    layer: str | None = None
    pool: str | None = None
    recipe: Mapping[str, Any] = field(default_factory=dict)
    preset: Literal["alignet-released", "alignet-paper"] = "alignet-released"
    training: Mapping[str, Any] = field(default_factory=dict)
    control: Literal["none", "beside"] = "none"
    tensorboard: bool = False


@dataclass(frozen=True, kw_only=True)
class RatingFile:
    """A table with the columns `first`, `second` and `rating`.

    Attributes:
        file: `.csv` or `.tsv`.
        scale: Whether large numbers mean `"similarity"` or `"dissimilarity"`.
    """

    file: Path
    scale: Literal["similarity", "dissimilarity"]


@dataclass(frozen=True, kw_only=True)
class EvaluationPart:
    """What is asked of the student before and after.

    Attributes:
        pictures: Folders or names of further pictures that people were asked about; none of them is learnt from. Judgments call pictures by
            id or file name.
        triplets: Name → a file of people's odd-one-out trials.
        levels: Levels' file: each of its three tiers becomes a question, with what people reach and how unsure they are.
        levels_time: Its field of response times (milliseconds), which is not documented.
        things: Ask about THINGS' 2,171 trials too; the pictures hold THINGS' objects (`aardvark.jpg`, or a folder `aardvark`).
        things_trials: Other trials on them, counted like these.
        arrangements: Name → Meadows' file of a multi-arrangement (`.mat`, `.json`); several people are averaged.
        ratings: Name → a table of rated pairs, and whether large numbers mean similarity: `{file = "a.csv", scale = "similarity"}`.
        seen: Judgments about pictures that the student learnt from are left out (`"drop"`), or kept and marked (`"keep"`).
        labels: Ask for few-shot accuracy, anomaly detection and a linear probe too, where the held-out pictures lie in folders.
        shots: Examples of each class to learn from: `[1, 5]` asks for one shot, too.
        shift: Ask whether superclasses are known again in subclasses that were not learnt from, where folders are
            `superclass/subclass`.
        corruptions: Ask a linear probe about corrupted pictures, such as `["gaussian-noise", "blur", "jpeg"]`.
        severity: How strongly they are corrupted, 1 … 5.
        neighbours: Numbers of nearest neighbours that should be kept.
        replicates: Bootstrap samples.
    """

    pictures: tuple[str, ...] = ()
    triplets: Mapping[str, Path] = field(default_factory=dict)
    levels: Path | None = None
    levels_time: str | None = None
    things: bool = False
    things_trials: Path | None = None
    arrangements: Mapping[str, Path] = field(default_factory=dict)
    ratings: Mapping[str, RatingFile] = field(default_factory=dict)
    seen: Literal["drop", "keep"] = "drop"
    labels: bool = True
    shots: tuple[int, ...] = (5,)
    shift: bool = False
    corruptions: tuple[str, ...] = ()
    severity: int = 3
    neighbours: tuple[int, ...] = (5, 10)
    replicates: int = 1000

    def __post_init__(self) -> None:
        from isomorph.alignet._robust_pictures import check_corruption

        for each in (*self.corruptions, "none"):  # now, rather than after hours of training
            check_corruption(each, self.severity)
        if any(each < 1 for each in self.shots) or sum(each > 1 for each in self.shots) > 1 or len(set(self.shots)) < len(self.shots):
            raise InputError(f"evaluation.shots: 1, a larger number, or both; got {list(self.shots)}.")

    def beside(self, here: Path) -> EvaluationPart:
        """Its files and folders counted from the folder `here`."""
        return replace(
            self,
            pictures=tuple(str(here / each) if (here / each).is_dir() else each for each in self.pictures),
            triplets={name: here / each for name, each in self.triplets.items()},
            levels=here / self.levels if self.levels else None,
            things_trials=here / self.things_trials if self.things_trials else None,
            arrangements={name: here / each for name, each in self.arrangements.items()},
            ratings={name: replace(each, file=here / each.file) for name, each in self.ratings.items()},
        )


@dataclass(frozen=True, kw_only=True)
class AlignetStudy:
    """Teacher, triplets, student, evaluation and export, with every option.

    Pictures are split into those that are learnt from and those that are held out: neither the teacher's map, nor the triplets, nor the
    student ever meets the latter. Every step is kept in `out` or the store, so that the same command goes on after an interruption.

    Attributes:
        name: What the study is called.
        pictures: Folders of pictures, counted from the study's file, or names from `isomorph list stimuli`.
        teacher: Who says which picture is the odd one.
        student: Who learns.
        triplets: What the teacher is asked.
        evaluation: What is asked of the student before and after.
        held_out: The share of the pictures, and of the pictures people judged, that is kept for evaluation.
        export: What is written of the student: `"safetensors"`, `"torch"` (torch.export), `"onnx"`.
        seed: Of everything that is drawn.
        memory_limit: What an extraction may hold in memory.
        device: Where models run.
        workers: Threads that decode pictures.
        out: The folder of triplets, checkpoints, exports and the report, beside the study's file; where several machines work on it, all
            must see it.
        store: The store's folder; default: `$ISOMORPH_STORE`.

    Example:
        >>> teacher, student = TeacherPart(model="a/b", transform=Path("map.npz")), StudentPart(model="c/d")
        >>> AlignetStudy(name="first", pictures=("photos",), teacher=teacher, student=student).triplets.clusters
        500
    """

    name: str
    pictures: tuple[str, ...]
    teacher: TeacherPart
    student: StudentPart
    triplets: TripletPart = field(default_factory=TripletPart)
    evaluation: EvaluationPart = field(default_factory=EvaluationPart)
    held_out: float = 0.2
    export: tuple[Literal["safetensors", "torch", "onnx"], ...] = ("safetensors", "torch", "onnx")
    seed: int = 0
    memory_limit: str = "2GB"
    device: str = "cpu"
    workers: int = 2
    out: Path = Path("alignet")
    store: str | Path | None = None

    def __post_init__(self) -> None:
        if not self.pictures:
            raise InputError(f"the study {self.name!r} names no pictures.")
        if self.seed < 0:
            raise InputError(f"the study {self.name!r}: the seed must be 0 or more; got {self.seed}.")
        if not 0 < self.held_out < 1:
            raise InputError(f"the study {self.name!r}: held_out is a share between 0 and 1; got {self.held_out!r}.")
        given = [each for each in (self.teacher.transform, self.teacher.judgments) if each is not None]
        if len(given) != 1:
            raise InputError(
                f"the study {self.name!r}: the teacher needs a transform (a file) or judgments (a benchmark) to come closer to people; "
                f"it has {'both' if given else 'neither'}."
            )
        if self.triplets.train < 1 or self.triplets.validation < 1:
            raise InputError(f"the study {self.name!r} needs at least one triplet to train and one to validate.")
        if not 1 <= self.triplets.ranges <= 100_000:
            raise InputError(f"the study {self.name!r}: triplets.ranges must be between 1 and 100,000; got {self.triplets.ranges}.")
        sampling_kind(self.triplets.sampling)

    @staticmethod
    def load(path: Path | str) -> AlignetStudy:
        """Read a study; its paths count from the folder that holds it.

        Raises:
            FileError: There is no such file, or it is not TOML.
            InputError: An option is unknown, missing or of the wrong type; the message says where.
        """
        path = Path(path)
        study = read_study(AlignetStudy, path)
        here = path.resolve().parent
        teacher = study.teacher
        return replace(
            study,
            pictures=tuple(str(here / each) if (here / each).is_dir() else each for each in study.pictures),
            teacher=replace(teacher, transform=here / teacher.transform if teacher.transform else None),
            evaluation=study.evaluation.beside(here),
            out=here / study.out,
            store=store_beside(study.store, here),
        )

    @cached_property
    def parts(self) -> StudyParts:
        """Its stages: `features`, `teacher`, `triplets`, `students`, `evaluation`; with ranges `drawn` and `labels` before `triplets`."""
        from isomorph.alignet._study_parts import AlignetParts

        return AlignetParts(self).staged

    def run(self, store: Store, *, progress: Progress | None = None) -> StudyOutcome:
        """Do what is not done yet, and answer.

        Raises:
            IsomorphError: A step failed; what was finished stays finished.
        """
        from isomorph.alignet._study_outcome import run_study

        return run_study(self, store, progress=progress)
