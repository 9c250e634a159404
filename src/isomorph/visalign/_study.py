"""A whole VisAlign run in one TOML file: build, train, calibrate, predict, score, submit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from isomorph.abstention import UPSTREAM_NAMES, load_method
from isomorph.errors import InputError, UnknownNameError
from isomorph.spec import read_study
from isomorph.store import store_beside
from isomorph.visalign._set_part import Pictures, SetPart
from isomorph.visalign._training import Training

if TYPE_CHECKING:
    from isomorph.engine import Progress, StudyParts
    from isomorph.store import Store
    from isomorph.visalign._study_run import VisalignOutcome, VisalignRun

SEEDS = (45, 46, 47, 48, 49)


@dataclass(frozen=True, kw_only=True)
class NetworkPart:
    """Who answers.

    Attributes:
        architecture: A network to train from its first weights, such as `"vit_30_16"` or, on a CPU, `"convnext_small"`.
        backbone: Instead: a model from `isomorph list models`, which stays as it is; a linear classifier of its features is trained.
        layer: Of the backbone; None: what feeds its own classifier.
        pool: How that layer becomes one row.
        recipe: Changes to how pictures are prepared.
        dropout: Before the linear classifier; the randomness of `mcdropout`.
        training: Options of `Training`.
        device: Where networks run: `"cpu"`, `"cuda:0"`; the linear classifier of a backbone is trained on the CPU.
    """

    architecture: str = ""
    backbone: str = ""
    layer: str | None = None
    pool: str = "flatten"
    recipe: Mapping[str, Any] = field(default_factory=dict)
    dropout: float = 0.5
    training: Training = field(default_factory=Training)
    device: str = "cpu"

    @property
    def name(self) -> str:
        """As runs are called by it."""
        return self.architecture or self.backbone.rpartition("/")[2].partition(".")[0]


@dataclass(frozen=True, kw_only=True)
class AbstentionPart:
    """When not to answer.

    Attributes:
        methods: By VisAlign's names.
        options: Method → options of it, such as `knn = {k = 5}`.
        unit_length: Scale features to length one before `mds` and `tapudd` (`knn` always does). Corruptions often make features short
            rather than different, and distances then shrink where they should grow.
        normaliser: From scores to probabilities; fitted on the validation pictures, which are also corrupted for it.
        corruptions: Those; picture after picture takes the next one.
        severities: Each validation picture appears as it is, and once with each of these severities.
        upstream_compat: Answer as upstream's released program does: scaled on the test set, and for the softmax family inverted.
    """

    methods: tuple[str, ...] = tuple(UPSTREAM_NAMES)
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    unit_length: bool = False
    normaliser: Literal["min-max", "quantile", "ecdf"] = "ecdf"
    corruptions: tuple[str, ...] = ("gaussian_noise", "defocus_blur", "contrast", "jpeg_compression")
    severities: tuple[int, ...] = (3, 6, 9)
    upstream_compat: bool = False

    def method(self, name: str) -> Any:
        """A method with its options."""
        return load_method(UPSTREAM_NAMES[name], **dict(self.options.get(name, {})))

    def __post_init__(self) -> None:
        for name in (*self.methods, *self.options):
            if name not in UPSTREAM_NAMES:
                raise UnknownNameError("method of VisAlign", name, UPSTREAM_NAMES)
        if not self.methods or len(set(self.methods)) < len(self.methods):
            raise InputError(f"abstention needs methods, each once; got {list(self.methods)}.")
        if self.severities and not self.corruptions:
            raise InputError("abstention names severities and no corruptions to calibrate with.")
        for name in self.methods:
            self.method(name)  # now, rather than after training


@dataclass(frozen=True, kw_only=True)
class VisalignStudy:
    """Data, network, abstention and scores, with every option. What is finished is kept in `out` and not done again.

    Attributes:
        name: What the study is called.
        set: What the data set is built from.
        folder: Instead: the folder of a finished data set, such as VisAlign's own.
        network: Who answers.
        abstention: When not to.
        seeds: A network is trained for each; together they are the members of `deepensemble`.
        costs: The c of the reliability scores; VisAlign's are none, half and all of its 900 pictures.
        replicates: Bootstrap samples; 0: no intervals.
        out: Everything goes there, beside the study's file; where several machines work on it, all must see it.
        store: Where receipts of finished work go; default: the folder `store` in `out`.

    Example:
        >>> from isomorph.visalign import NetworkPart
        >>> VisalignStudy(name="first", folder=Path("visalign"), network=NetworkPart(architecture="mlp")).costs
        (0.0, 450.0, 900.0)
    """

    name: str
    network: NetworkPart
    set: SetPart | None = None
    folder: Path | None = None
    abstention: AbstentionPart = field(default_factory=AbstentionPart)
    seeds: tuple[int, ...] = SEEDS
    costs: tuple[float, ...] = (0.0, 450.0, 900.0)
    replicates: int = 1000
    out: Path = Path("visalign")
    store: str | Path | None = None

    def __post_init__(self) -> None:
        for first, second, what in (
            (self.set, self.folder, "[set] or folder"),
            (*self._networks, "network.architecture or network.backbone"),
        ):
            if bool(first) == bool(second):
                raise InputError(f"the study {self.name!r} needs {what}, and just one of them; it has {'both' if first else 'neither'}.")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0:
            raise InputError(f"the study {self.name!r} needs seeds of 0 or more, each once; got {list(self.seeds)}.")
        if "deepensemble" in self.abstention.methods and len(self.seeds) < 2:
            raise InputError(f"the study {self.name!r} has one seed, and 'deepensemble' needs two networks; add a seed or leave it out.")

    @property
    def _networks(self) -> tuple[str, str]:
        return self.network.architecture, self.network.backbone

    @staticmethod
    def load(path: Path | str) -> VisalignStudy:
        """Read a study; its paths count from the folder that holds it.

        Raises:
            FileError: There is no such file, or it is not TOML.
            InputError: An option is unknown, missing or of the wrong type; the message says where.
        """
        path = Path(path)
        study = read_study(VisalignStudy, path)
        here = path.resolve().parent
        return replace(
            study,
            set=_beside(study.set, here) if study.set else None,
            folder=here / study.folder if study.folder else None,
            out=here / study.out,
            store=store_beside(study.store, here),
        )

    @property
    def kept(self) -> str | Path:
        """Where its receipts are."""
        return self.store or self.out / "store"

    @cached_property
    def parts(self) -> StudyParts:
        """Its stages: `set`, `networks`, `evidence`, `answers`, `scores`."""
        from isomorph.visalign._study_parts import study_parts

        return study_parts(self)

    def start(self, *, progress: Progress | None = None) -> VisalignRun:
        """Its steps, each done when it is asked for: `.data`, `.networks`, `.answers`, `.scores`, `.submissions`."""
        from isomorph.visalign._study_run import VisalignRun

        return VisalignRun(self, progress)

    def run(self, store: Store | None = None, *, progress: Progress | None = None) -> VisalignOutcome:
        """Do what is not done yet, and answer.

        Args:
            store: Where receipts go; None: the study's own.
            progress: Where progress is shown.

        Raises:
            IsomorphError: A step failed; what was finished stays finished.
        """
        from isomorph.engine import run_plan
        from isomorph.store import open_store

        kept = store or open_store(self.kept)
        for stage in self.parts.stages:
            run_plan(self.parts.units(kept, stage=stage, progress=progress), store=kept, progress=progress)
        return self.start(progress=progress).outcome


def _beside(part: SetPart, here: Path) -> SetPart:
    """Folders counted from the study's file."""

    def placed(pictures: Mapping[str, Pictures]) -> dict[str, Pictures]:
        return {
            name: replace(each, source=str(here / each.source)) if (here / each.source).is_dir() else each
            for name, each in pictures.items()
        }

    return replace(
        part, classes=placed(part.classes), implausible=placed(part.implausible), abstain=placed(part.abstain),
        votes=here / part.votes if part.votes else None,
    )  # fmt: skip
