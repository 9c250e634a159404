"""What a data set is built from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from isomorph.benchmarks._visalign_labels import check_classes
from isomorph.errors import InputError, UnknownNameError
from isomorph.stimuli import CORRUPTIONS

if TYPE_CHECKING:
    from isomorph.stimuli import Stimuli

ABSTAIN_CATEGORIES = ("4", "5", "6", "7")
EPSILONS = (0.005, 0.01, 0.015, 0.02, 0.025, 0.03)


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """Where pictures come from.

    Attributes:
        source: A folder, or a name from `isomorph list stimuli`.
        labels: Only pictures with one of these labels (sub-folders); shell patterns.
        most: At most this many, drawn by the seed; None: all.
    """

    source: str
    labels: tuple[str, ...] = ()
    most: int | None = None

    def load(self) -> Stimuli:
        """The pictures.

        Raises:
            InputError: None has such a label.
        """
        from isomorph.benchmarks import load_stimuli

        stimuli = load_stimuli(self.source)
        if not self.labels:
            return stimuli
        known = stimuli.labels or ("",) * len(stimuli)
        kept = [name for name, label in zip(stimuli.ids, known, strict=True) if any(fnmatchcase(label, each) for each in self.labels)]
        if not kept:
            raise InputError(
                f"none of the {len(stimuli)} pictures of {self.source!r} is labelled {' or '.join(map(repr, self.labels))}; there are "
                f"{', '.join(sorted(set(known))[:12])}."
            )
        return stimuli.take(kept)


@dataclass(frozen=True, kw_only=True)
class AttackPart:
    """Category 3.

    Attributes:
        models: Classifiers to attack by FGSM; upstream's are seven of torchvision's.
        epsilons: Steps in normalised space; each picture takes the first after which the model errs.
        targets: Class → its column in the models' outputs; a class that has none takes the model's own answer.
    """

    models: tuple[str, ...]
    epsilons: tuple[float, ...] = EPSILONS
    targets: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SetPart:
    """A data set of the form of VisAlign's: eight categories, of which those are built that have a source.

    Attributes:
        classes: Class → where its pictures come from, in the order of every vector. They are divided, by the seed, into training,
            validation and test; categories 1, 3 and 8 are made of the test pictures alone.
        train: Pictures of each class to learn from; 0: whatever the others leave.
        validation: Pictures of each class to stop at the right time and to calibrate with.
        test: Pictures of each class in category 1.
        implausible: Category 2: class → pictures of it in settings where it never is.
        abstain: Categories `"4"` (other things), `"5"` (blends of classes), `"6"` (close relatives), `"7"` (no photographs).
        attack: Category 3; None: without.
        corruptions: Of category 8.
        severities: Likewise; each takes another picture of a class, as far as there are that many.
        uncertain: At most this many pictures in category 8, drawn by the seed; None: all.
        votes: People's answers to the pictures of category 8: a file for `read_labels`. None: there are none, and labels go in a straight
            line from the class (severity 0) to abstaining (severity 10); the set says so.
        seed: Of all that is drawn.
    """

    classes: Mapping[str, Pictures]
    train: int = 1125
    validation: int = 125
    test: int = 10
    implausible: Mapping[str, Pictures] = field(default_factory=dict)
    abstain: Mapping[str, Pictures] = field(default_factory=dict)
    attack: AttackPart | None = None
    corruptions: tuple[str, ...] = tuple(CORRUPTIONS)
    severities: tuple[int, ...] = tuple(range(1, 11))
    uncertain: int | None = 200
    votes: Path | None = None
    seed: int = 1234

    def __post_init__(self) -> None:
        check_classes(tuple(self.classes))
        for name in self.implausible:
            if name not in self.classes:
                raise UnknownNameError("class of the set", name, self.classes)
        for name in self.abstain:
            if name not in ABSTAIN_CATEGORIES:
                raise UnknownNameError("category to abstain from", name, ABSTAIN_CATEGORIES)
        from isomorph.stimuli._corrupt import find_corruption

        for name in self.corruptions:
            for severity in self.severities:
                find_corruption(name, severity)
        if min(self.validation, self.test) < 1 or self.train < 0:
            raise InputError(
                f"each class needs pictures to learn from, to validate and to test; got {self.train}, {self.validation}, {self.test}."
            )

    @property
    def missing(self) -> dict[str, str]:
        """Category → what it would take to have it."""
        lacking = {"2": not self.implausible, "3": self.attack is None, "8": not (self.corruptions and self.severities)}
        return {each: _WAYS[each] for each in _WAYS if lacking.get(each, each not in self.abstain and each in ABSTAIN_CATEGORIES)}


_WAYS = {
    "2": "pictures of a class in settings where it never is (upstream drew them with Stable Diffusion): [set.implausible.CLASS] source = …",
    "3": "pictures attacked by FGSM: [set.attack] models = [classifiers whose weights can be had here]",
    "4": "pictures of none of the classes (upstream: ImageNet, Describable Textures, Caltech): [set.abstain.4] source = …",
    "5": "animals that blend features of several classes (upstream drew them with Stable Diffusion): [set.abstain.5] source = …",
    "6": "close relatives of the classes, such as donkeys beside zebras (upstream: ImageNet): [set.abstain.6] source = …",
    "7": "drawings, plush toys and the like (upstream: DomainNet, ImageNet-R): [set.abstain.7] source = …",
    "8": "corrupted pictures: corruptions and severities are empty",
}
