"""What an AligNet study made and found, from its first step to its last."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from isomorph.alignet._fine_tuned import FineTuned
from isomorph.alignet._label_report import LabelReport
from isomorph.alignet._study_parts import AlignetParts
from isomorph.alignet._study_triplets import STUDENT
from isomorph.alignment import FittedTransform
from isomorph.engine import run_plan
from isomorph.errors import InputError
from isomorph.judgments import Triplets

if TYPE_CHECKING:
    from isomorph.alignet._study import AlignetStudy
    from isomorph.alignet._study_questions import StudentAnswers
    from isomorph.alignment import AlignmentCheck
    from isomorph.engine import Progress
    from isomorph.stimuli import Stimuli
    from isomorph.store import Store


@dataclass(frozen=True, kw_only=True, eq=False)
class StudyOutcome:
    """What a study made and found.

    Attributes:
        study: What was asked.
        training: Ids of the pictures that were learnt from.
        held_out: Those that nobody met before the evaluation.
        transform: The teacher's map.
        labels: Student → what its labels look like.
        students: `"alignet"`, and `"unalignet"` where there is a control.
        held_out_triplets: The teacher's labels of triplets of held-out pictures, student → triplets.
        answers: Before and after: with intervals, question by question; what had been seen; and each held-out triplet's odd one.
        exports: What was written.
        notes: Sentences that must travel with the numbers.
    """

    study: AlignetStudy
    training: tuple[str, ...]
    held_out: Stimuli
    transform: FittedTransform
    labels: Mapping[str, LabelReport]
    students: Mapping[str, FineTuned]
    held_out_triplets: Mapping[str, Triplets]
    answers: StudentAnswers
    exports: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def check(self) -> AlignmentCheck:
        """Before and after, question by question, with intervals."""
        return self.answers.check


def run_study(study: AlignetStudy, store: Store, *, progress: Progress | None = None) -> StudyOutcome:
    """Do what is not done yet, and answer."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise InputError(
            "a study is one process. Only its training can be shared among several: call FineTuning.fit in a script of torchrun's, "
            "then run the study."
        )
    parts = AlignetParts(study)
    run = parts.run(store, progress)
    run.check()
    for stage in parts.staged.stages:
        run_plan(parts.staged.units(store, stage=stage, progress=progress), store=store, progress=progress)
    tables = {name: run.asked.tables(name) for name in run.students}
    students = {name: run.taught(name) for name in run.students}
    return StudyOutcome(
        study=study,
        training=run.training.ids,
        held_out=run.held_out,
        transform=run.transform,
        labels={name: each["train"][1] for name, each in tables.items()},
        students=students,
        held_out_triplets={name: each["held_out"][0][:] for name, each in tables.items()},
        answers=parts.answers(run).read(store),
        exports=run.exported(students[STUDENT]),
        notes=(*run.notes, *(note for each in students.values() for note in each.notes)),
    )
