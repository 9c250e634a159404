"""What a study asks of its students before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from isomorph.alignet._evaluation_people import SILENT, PeopleQuestion, people_questions
from isomorph.alignet._evaluation_seen import met, seen_by
from isomorph.alignet._robustness import Robustness
from isomorph.alignment import AlignmentCheck, FewShot, SubclassShift, check_alignment
from isomorph.alignment._check_intervals import Draws
from isomorph.arrays import IntArray
from isomorph.errors import InputError
from isomorph.features import Features
from isomorph.judgments import Triplets, pair_similarities

if TYPE_CHECKING:
    from isomorph.alignet._fine_tuned import FineTuned
    from isomorph.alignet._study_run import StudyRun
    from isomorph.stimuli import Stimuli

PRE_LOGITS = "output[pre_logits]"
Row: TypeAlias = dict[str, Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class StudentAnswers:
    """What students said before and after.

    Attributes:
        check: Question by question, with intervals.
        seen: Question → how many of its pictures the teacher's map or a student has met; None where a map does not say what it has seen.
        odd_ones: `"before"` or a student → for each of the teacher's held-out triplets which of its items is the odd one, 0 … 2.
    """

    check: AlignmentCheck
    seen: Mapping[str, int | None]
    odd_ones: Mapping[str, IntArray]


def check_students(run: StudyRun, students: Mapping[str, FineTuned], held_out: Mapping[str, Triplets]) -> StudentAnswers:
    """Before and after on held-out pictures: neighbours kept, labels, agreement with the teacher, and with people."""
    before, after = _before_and_after(run, students, run.held_out)
    draws = Draws(replicates=run.study.evaluation.replicates, seed=run.study.seed)
    own = _of_held_out(run, before, after, held_out["alignet"], draws)
    found = met(run, run.held_out)
    rows = [
        {**row, "seen": seen_by(run, row["transform"], found)} for row in (*own.rows, *_of_corrupted(run, students, before, after, draws))
    ]
    seen = {row["question"]: found.count for row in rows}
    for question in run.questions:
        x, y = _before_and_after(run, students, question.pictures)
        found = met(run, question.pictures)
        for row in question.ask(x, y, draws):
            seen[row["question"]] = found.count
            rows.append({**row, "seen": seen_by(run, row["transform"], found, objects=question.objects, imagenet=question.imagenet)})
    return StudentAnswers(
        check=replace(own, rows=tuple(row for student in students for row in rows if row["transform"] == student)),
        seen=seen,
        odd_ones={name: odd_ones(each, held_out["alignet"]) for name, each in {"before": before, **after}.items()},
    )


def questions(run: StudyRun) -> list[PeopleQuestion]:
    """What is asked about people's judgments.

    Raises:
        InputError: These, or the held-out pictures' classes, cannot be asked about.
        FileError: A file is not there, or is not what it should be.
    """
    part, labels = run.study.evaluation, run.held_out.labels
    beyond = [k for k in part.neighbours if k > len(run.held_out) - 2]
    if beyond:
        run.notes.append(
            f"The {beyond[0]} nearest of {len(run.held_out)} held-out pictures cannot change or do not exist; they are not asked about."
        )
    if labels is None and (part.shift or part.corruptions):
        what = "shift" if part.shift else "corruptions"
        raise InputError(f"evaluation.{what} asks about classes, and the held-out pictures have none: put them into one folder each.")
    if labels is not None and part.labels:
        classes, y = np.unique(labels, return_inverse=True)
        for shots in part.shots:
            FewShot(shots=shots, repetitions=1).episodes(y, classes.tolist())
        if part.shift:
            SubclassShift().superclasses(tuple(classes.tolist()))
    return list(people_questions(run))


def _of_held_out(run: StudyRun, before: Features, after: Mapping[str, Features], taught: Triplets, draws: Draws) -> AlignmentCheck:
    """What needs nobody's judgments but the teacher's."""
    part, seed = run.study.evaluation, run.study.seed
    options: dict[str, Any] = {"replicates": draws.replicates, "seed": draws.seed}
    found = check_alignment(
        before,
        after,
        labels=run.held_out.labels if part.labels else None,
        neighbours=tuple(k for k in part.neighbours if k < len(before) - 1),
        few_shot=[FewShot(shots=each, seed=seed) for each in part.shots],
        shift=SubclassShift(seed=seed) if part.shift else None,
        **options,
    )
    agreement = check_alignment(before, after, triplets=taught, **SILENT, **options)
    told = ({**each, "question": "agreement with the teacher", "note": ""} for each in agreement.rows)
    return replace(found, rows=(*found.rows, *told))


def _of_corrupted(
    run: StudyRun, students: Mapping[str, FineTuned], before: Features, after: Mapping[str, Features], draws: Draws
) -> list[Row]:
    """A linear probe on held-out pictures, asked about corrupted versions of those that it has not learnt from."""
    part = run.study.evaluation
    if not part.corruptions:
        return []
    method = Robustness(corruptions=part.corruptions, severity=part.severity, seed=run.study.seed)
    return method.compare(before, after, run.held_out, lambda pictures: _before_and_after(run, students, pictures), draws)


def odd_ones(x: Features, triplets: Triplets) -> IntArray:
    """`[trial]`: the item outside the pair whose cosine is largest."""
    found: IntArray = 2 - pair_similarities(x, triplets, similarity="cosine").argmax(axis=1)
    return found


def _before_and_after(run: StudyRun, students: Mapping[str, FineTuned], stimuli: Stimuli) -> tuple[Features, dict[str, Features]]:
    """What feeds the head, of the network as it began and of each student."""
    before = run.features(run.student_model, stimuli, run.beginning.layer, run.beginning.pool)
    return before, {name: run.features(each.model, stimuli, PRE_LOGITS, "flatten") for name, each in students.items()}
