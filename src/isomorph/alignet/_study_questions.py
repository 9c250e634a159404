"""What a study asks of its students before and after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from isomorph.alignment import AlignmentCheck, check_alignment
from isomorph.arrays import IntArray
from isomorph.errors import InputError
from isomorph.features import Features
from isomorph.judgments import Triplets, pair_similarities

if TYPE_CHECKING:
    from isomorph.alignet._fine_tuned import FineTuned
    from isomorph.alignet._study_run import StudyRun
    from isomorph.stimuli import Stimuli

PRE_LOGITS = "output[pre_logits]"


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
    study = run.study
    draws: dict[str, Any] = {"replicates": study.evaluation.replicates, "seed": study.seed}
    before, after = _before_and_after(run, students, run.held_out)
    labels = run.held_out.labels if study.evaluation.labels else None
    neighbours = tuple(k for k in study.evaluation.neighbours if k < len(before) - 1)
    checks = [check_alignment(before, after, labels=labels, neighbours=neighbours, **draws)]
    silent: dict[str, Any] = {"neighbours": (), "few_shot": None, "anomaly": None, "probe": None}
    agreement = check_alignment(before, after, triplets=held_out["alignet"], **silent, **draws)
    checks.append(_called(agreement, "agreement with the teacher"))
    met = _met(run, run.held_out)
    seen = {name: met for each in checks for name in each.questions}
    for name, stimuli, question in _of_people(run):
        x, y = _before_and_after(run, students, stimuli)
        checks.append(_called(check_alignment(x, y, **question, **silent, **draws), f"people ({name})"))
        seen[f"people ({name})"] = _met(run, stimuli)
    return StudentAnswers(
        check=AlignmentCheck(
            rows=tuple(row for student in students for each in checks for row in each.rows if row["transform"] == student),
            options=checks[0].options,
            notes=tuple(dict.fromkeys(note for each in checks for note in each.notes)),
        ),
        seen=seen,
        odd_ones={name: odd_ones(each, held_out["alignet"]) for name, each in {"before": before, **after}.items()},
    )


def odd_ones(x: Features, triplets: Triplets) -> IntArray:
    """`[trial]`: the item outside the pair whose cosine is largest."""
    found: IntArray = 2 - pair_similarities(x, triplets, similarity="cosine").argmax(axis=1)
    return found


def _met(run: StudyRun, stimuli: Stimuli) -> int | None:
    """How many of these pictures, by name or by content, somebody has learnt from."""
    if run.transform.seen is None:
        return None
    names = {*run.transform.seen, *run.training.ids}
    items = set(run.training.item_digests)
    if run.judged is not None:
        items.update(run.judged.stimuli.take(run.judged_split[0]).item_digests)
    return sum(name in names or item in items for name, item in zip(stimuli.ids, stimuli.item_digests, strict=True))


def _before_and_after(run: StudyRun, students: Mapping[str, FineTuned], stimuli: Stimuli) -> tuple[Features, dict[str, Features]]:
    """What feeds the head, of the network as it began and of each student."""
    before = run.features(run.student_model, stimuli, run.beginning.layer, run.beginning.pool)
    return before, {name: run.features(each.model, stimuli, PRE_LOGITS, "flatten") for name, each in students.items()}


def _of_people(run: StudyRun) -> Iterator[tuple[str, Stimuli, dict[str, Any]]]:
    """Judgments of people about pictures that nobody has met: their name, the pictures, and the question."""
    from isomorph.alignet._study_run import judged_triplets, people

    if run.judged is not None:
        _, away = run.judged_split
        pictures = run.judged.stimuli.take(away)
        yield (
            f"{run.judged.name}, odd-one-out",
            pictures,
            {"triplets": judged_triplets(run.judged, away, run.study.teacher.trials, run.study.seed)},
        )
        yield f"{run.judged.name}, RSA", pictures, {"rdm": people(run.judged).take(away)}
    for name, path in run.study.evaluation.triplets.items():
        yield name, *_unmet(run, Triplets.load(path), name)
    if run.study.evaluation.levels is not None:
        for kind in ("between_class", "class_border", "within_class"):
            from isomorph.judgments import read_levels

            yield f"Levels, {kind}", *_unmet(run, read_levels(run.study.evaluation.levels, triplet_type=kind), f"Levels, {kind}")


def _unmet(run: StudyRun, triplets: Triplets, name: str) -> tuple[Stimuli, dict[str, Any]]:
    """Trials whose pictures were all held out; what is left out is noted."""
    known = set(run.held_out.ids)
    shown = [each for each in triplets.objects if each in known]
    kept = triplets.restrict(shown) if len(shown) > 2 else None
    if kept is None or not len(kept):
        raise InputError(
            f"none of {len(triplets):,} trials of {name!r} is about three held-out pictures; name the trials' pictures by their ids."
        )
    if len(kept) < len(triplets):
        run.notes.append(f"{name}: {len(kept):,} of {len(triplets):,} trials are about held-out pictures alone; the others are left out.")
    return run.held_out.take([each for each in run.held_out.ids if each in set(kept.objects)]), {"triplets": kept}


def _called(check: AlignmentCheck, question: str) -> AlignmentCheck:
    rows = tuple({**each, "question": question, "note": ""} for each in check.rows)  # what was seen is counted, not guessed
    return AlignmentCheck(rows=rows, options=check.options, notes=check.notes)
