"""What of a question a student had met before it was asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from isomorph.alignment._check_result import JUDGMENTS_SEEN, PICTURES_SEEN, SEEN_UNKNOWN, UNSEEN

if TYPE_CHECKING:
    from isomorph.alignet._study_run import StudyRun
    from isomorph.stimuli import Stimuli

PRETRAINING_SEEN = "pictures seen in pretraining (ImageNet)"


@dataclass(frozen=True, kw_only=True)
class Met:
    """Ids of pictures that somebody has met, by name or by content.

    Attributes:
        judged: Those whose judgments the teacher's map was fitted to; None where it does not say.
        trained: Those that the student learnt from.
    """

    judged: frozenset[str] | None
    trained: frozenset[str]

    @property
    def count(self) -> int | None:
        """How many; None where it cannot be known."""
        return None if self.judged is None else len(self.judged | self.trained)


def met(run: StudyRun, pictures: Stimuli) -> Met:
    """Which of these pictures were met."""
    fitted = run.transform.seen
    shown = () if run.judged is None else run.judged.stimuli.take(run.judged_split[0]).item_digests
    judged = None if fitted is None else _among(pictures, fitted, shown)
    return Met(judged=judged, trained=_among(pictures, run.training.ids, run.training.item_digests))


def _among(pictures: Stimuli, names: Iterable[str], digests: Iterable[str]) -> frozenset[str]:
    known, items = set(names), set(digests)
    return frozenset(name for name, item in zip(pictures.ids, pictures.item_digests, strict=True) if name in known or item in items)


def seen_by(run: StudyRun, student: str, found: Met, *, objects: Iterable[str] = (), imagenet: bool = False) -> str:
    """The worst of what is known of a question and a student.

    `"judgments seen"`: the teacher's map was fitted to judgments of any of the pictures, or of the `objects` by which the judgments call
    them (the control learnt from no map); `"not known"`: the map, or the network's card, does not say;
    `"pictures seen in training"`;
    `"pictures seen in pretraining (ImageNet)"`: they are ImageNet's training files (`imagenet`), and the network that the student began
    as was trained on ImageNet; else `"unseen"`.
    """
    from isomorph.alignet._study_triplets import STUDENT

    if student == STUDENT:
        asked, fitted = set(objects), run.transform.seen
        if found.judged or asked & set(fitted or ()) or ("published" in run.transform.options and _of_things(asked)):
            return JUDGMENTS_SEEN
        if fitted is None:
            return SEEN_UNKNOWN
    if found.trained:
        return PICTURES_SEEN
    trained_on = run.student_model.card.training_data.lower()
    if imagenet and not trained_on:
        return SEEN_UNKNOWN
    return PRETRAINING_SEEN if imagenet and "imagenet" in trained_on else UNSEEN


def _of_things(objects: set[str]) -> bool:
    """Whether any of these is an object of THINGS, to which the published maps were fitted."""
    from isomorph.errors import IsomorphError
    from isomorph.judgments import things_ids

    try:
        return bool(objects & set(things_ids()))
    except IsomorphError:  # without the list none can be named by it
        return False
