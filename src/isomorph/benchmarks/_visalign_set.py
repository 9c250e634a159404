"""A data set of the form of VisAlign's, read from its folder."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.benchmarks._visalign_labels import check_against_names, check_classes, check_file, read_labels
from isomorph.errors import FileError, InputError
from isomorph.perception import VISALIGN_OUTCOMES, Answers

if TYPE_CHECKING:
    from isomorph.stimuli import Stimuli

CATEGORIES = tuple(map(str, range(1, 9)))
ABSTAIN = "abstain"
FACTS = "set.json"
STAND_IN = (
    "Nobody labelled the pictures of category 8: its labels go in a straight line from the class at severity 0 to abstaining at severity "
    "10, and are no people's. Give people's votes: [set] votes = …"
)
_LABELS = ("labels.json", "labels.pk", "labels.npz", "labels.csv", "labels.parquet")


@dataclass(frozen=True, kw_only=True, eq=False)
class VisalignSet:
    """Pictures to learn from and to be tested with, in VisAlign's folder layout.

    Attributes:
        folder: Where it lies.
        classes: In the order of every vector.
        training: Pictures to learn from, labelled; None where the folder holds only a test set.
        validation: Likewise, to stop at the right time and to calibrate with.
        test: Of categories 1 to 8; the ids are file names, the metadata `category` and `label` (the class, `""` in categories 4 to 7), and
            `severity` where it is known.
        people: The gold labels of the test pictures, over the classes and `"abstain"`; `groups` are the categories, `conditions`
            the severities. None where there is no file of labels.
        notes: Sentences that must travel with numbers.
        missing: Category → what it would take to have it.
    """

    folder: Path
    classes: tuple[str, ...]
    training: Stimuli | None
    validation: Stimuli | None
    test: Stimuli
    people: Answers | None
    notes: tuple[str, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The classes and abstaining."""
        return (*self.classes, ABSTAIN)

    @property
    def labelled_by_people(self) -> bool:
        """Whether the labels of category 8 are answers of people, and no stand-in."""
        return self.people is not None and STAND_IN not in self.notes

    @property
    def gold(self) -> Answers:
        """`people`, who must be there.

        Raises:
            FileError: There is no file of labels.
        """
        if self.people is None:
            raise FileError(
                f"{self.folder / 'open_test_set'} holds no labels; put {' or '.join(_LABELS[:2])} there. VisAlign's own come from its "
                "authors' archive; the copy on Hugging Face has none."
            )
        return self.people


def open_set(folder: Path | str, *, labels: Path | str | None = None) -> VisalignSet:
    """Read a data set: one of `build_set`, or VisAlign's own as its archive unpacks.

    Read are `open_test_set/filenames/categoryN.txt` (lines `<subfolder>/<file>`), the pictures, `open_test_set/labels.json` or
    `labels.pk`, and, where they are there, `train_split_filenames/final_{train,eval}/<class>.txt` (lines `imagenet21k/<file>`) with the
    pictures under `train_files/`.

    Args:
        folder: That holds `open_test_set`.
        labels: Another file of labels.

    Raises:
        FileError: A list or a picture is missing.
        InputError: Two pictures have one name, or labels do not fit the pictures.
    """
    folder = Path(folder)
    facts = _facts(folder)
    classes = tuple(facts.get("classes", VISALIGN_OUTCOMES[:-1]))
    check_classes(classes)
    test = _test_pictures(folder, classes, facts)
    path = Path(labels) if labels else next((each for name in _LABELS if (each := folder / "open_test_set" / name).is_file()), None)
    people = None if path is None else _people(path, classes, test)
    return VisalignSet(
        folder=folder, classes=classes, test=test, people=people, training=_lists(folder, "final_train", classes),
        validation=_lists(folder, "final_eval", classes), notes=tuple(facts.get("notes", ())), missing=dict(facts.get("missing", {})),
    )  # fmt: skip


def class_of(name: str, category: str, classes: tuple[str, ...]) -> str:
    """The class that a test picture's name says, by upstream's rules; `""` in categories 4 to 7.

    Raises:
        InputError: The name says no class of this set.

    Example:
        >>> class_of("zebra12.jpg", "1", ("tiger", "zebra")), class_of("x-tiger-fog-3.jpg", "8", ("tiger", "zebra"))
        ('zebra', 'tiger')
    """
    if category in "4567":
        return ""
    if category == "1":
        said = re.split(r"\d", Path(name).stem, maxsplit=1)[0]
    elif category == "2":
        said = name.split(" ", maxsplit=1)[0][:-1]
    else:
        said = name.split("-")[1] if name.count("-") else ""
    if said not in classes:
        raise InputError(f"the picture {name!r} of category {category} names the class {said!r}; the classes are {', '.join(classes)}.")
    return said


def _facts(folder: Path) -> dict[str, Any]:
    path = folder / FACTS
    if not path.is_file():
        return {}
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise FileError(f"{path} cannot be read as the facts of a data set: {error}.") from error
    classes = facts.get("classes") if isinstance(facts, dict) else None
    if not isinstance(classes, list) or not all(isinstance(each, str) for each in classes):
        raise FileError(f"{path} does not say the classes of the data set; build it again.")
    kinds = {"severities": dict, "missing": dict, "notes": list}
    wrong = next((name for name, kind in kinds.items() if not isinstance(facts.get(name, kind()), kind)), None)
    if wrong is not None:
        raise FileError(f"{path} garbles the {wrong} of the data set; build it again.")
    return dict(facts)


def _lines(path: Path) -> list[str]:
    try:
        return [each for line in path.read_text(encoding="utf-8").splitlines() if (each := line.strip())]
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"{path} cannot be read as a list of pictures: {error}.") from error


def _inside(folder: Path, line: str, listed: Path) -> Path:
    """The file that a line names, which must lie in the folder and be there."""
    path = folder / line
    if line.startswith("/") or ".." in Path(line).parts:
        raise FileError(f"{listed} names {line!r}, which lies outside {folder}.")
    check_file(path, f"{listed.name} in {listed.parent} lists it")
    return path


def _test_pictures(folder: Path, classes: tuple[str, ...], facts: Mapping[str, Any]) -> Stimuli:
    from isomorph.stimuli import Stimuli

    root = folder / "open_test_set"
    paths, categories = [], []
    for category in CATEGORIES:
        listed = root / "filenames" / f"category{category}.txt"
        for line in _lines(listed) if listed.is_file() else ():
            paths.append(_inside(root, line, listed))
            categories.append(category)
    if not paths:
        raise FileError(f"{root / 'filenames'} lists no pictures; category1.txt … category8.txt hold lines '<subfolder>/<file>'.")
    names = [each.name for each in paths]
    doubled = len(names) - len(set(names))
    if doubled:
        again = next(each for each in names if names.count(each) > 1)
        raise InputError(f"{doubled} file names of {root} stand twice, the first is {again!r}; a submission could not tell them apart.")
    labels = [class_of(name, category, classes) for name, category in zip(names, categories, strict=True)]
    known = facts.get("severities", {})
    metadata = {"category": categories, "label": labels, "severity": [str(known.get(name, "")) for name in names]}
    return Stimuli.from_files(paths, ids=names, metadata=metadata)


def _people(path: Path, classes: tuple[str, ...], test: Stimuli) -> Answers:
    from dataclasses import replace

    table = test.metadata
    categories, truth = list(table["category"]), list(table["label"])
    truth = [ABSTAIN if category in "4567" else name for category, name in zip(categories, truth, strict=True)]
    found = read_labels(path, (*classes, ABSTAIN), test.ids)
    check_against_names(found, ["" if category == "8" else name for category, name in zip(categories, truth, strict=True)], path)
    return replace(
        found, truth=tuple(truth), groups=tuple(categories), conditions=tuple(table["severity"]), subject="people", provenance=path.name
    )


def _lists(folder: Path, split: str, classes: tuple[str, ...]) -> Stimuli | None:
    from isomorph.stimuli import Stimuli

    root, paths, labels = folder / "train_split_filenames" / split, [], []
    if not root.is_dir():
        return None
    for name in classes:
        listed = root / f"{name}.txt"
        check_file(listed, f"it lists the pictures of {name}")
        for line in _lines(listed):
            paths.append(_inside(folder / "train_files", line, listed))
            labels.append(name)
    ids = [str(each.relative_to(folder / "train_files")) for each in paths]
    return Stimuli.from_files(paths, ids=ids, metadata={"label": labels})


def columns_of(stimuli: Stimuli, classes: tuple[str, ...]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The class of each labelled picture as a column."""
    return np.array([classes.index(each) for each in stimuli.labels or ()], dtype=np.int64)
