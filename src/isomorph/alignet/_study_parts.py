"""An AligNet study as stages that processes may share. Tables and checkpoints stay in its folder; the store holds receipts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph._version import __version__
from isomorph.alignet._study_run import StudyRun
from isomorph.alignet._study_triplets import STUDENT
from isomorph.alignment import AlignmentCheck, FittedTransform
from isomorph.engine import LazyUnit, Needs, Part, Progress, ReceiptUnit, StudyParts
from isomorph.spec import fingerprint, to_plain
from isomorph.store import Store

if TYPE_CHECKING:
    from isomorph.alignet._study import AlignetStudy
    from isomorph.alignet._study_questions import StudentAnswers
    from isomorph.stimuli import Stimuli


class AlignetParts:
    """The stages and their units.

    `features`: the teacher's, a set of pictures each; `teacher`: its map, and clusters; `triplets`: a split each; `students`: each one;
    `evaluation`. With ranges, before `triplets`: `drawn`, a split without labels each, and the mapped features of a set of pictures each;
    `labels`: a student's range of a split each.
    """

    def __init__(self, study: AlignetStudy) -> None:
        self.study = study
        self._runs: dict[tuple[Path, Progress | None], StudyRun] = {}

    @cached_property
    def staged(self) -> StudyParts:
        """As engines take them."""
        ranges = {"drawn": self._drawn, "labels": self._ranges} if self.study.triplets.ranges > 1 else {}
        makers = {
            "features": self._features,
            "teacher": self._teacher,
            **ranges,
            "triplets": self._triplets,
            "students": self._students,
            "evaluation": self._evaluation,
        }
        return StudyParts(name=self.study.name, report=self.study.out / "report", store=self.study.store, makers=makers)

    def run(self, store: Store, progress: Progress | None) -> StudyRun:
        """What the units share."""
        key = (store.path, progress)
        if key not in self._runs:
            self._runs[key] = StudyRun(self.study, store, progress)
        return self._runs[key]

    def answers(self, run: StudyRun) -> AnswersUnit:
        """The last unit."""
        students = [self._student(run, name) for name in run.students]
        return AnswersUnit(asked=run, inputs=[students, self.study.evaluation, self._said])

    def _features(self, store: Store, progress: Progress | None) -> list[LazyUnit]:
        run = self.run(store, progress)
        return [
            self._unit(f"the teacher on {what}", "features", [self._seen(run), shown.digest], partial(_features, run, shown))
            for what, shown in _shown(run).items()
        ]

    def _teacher(self, store: Store, progress: Progress | None) -> list[LazyUnit]:
        run = self.run(store, progress)
        what = "the teacher's map and clusters" if self.study.triplets.sampling.startswith("cluster") else "the teacher's map"
        return [self._unit(what, "teacher", self._taught_by(run), partial(_teacher, run))]

    def _drawn(self, store: Store, progress: Progress | None) -> list[LazyUnit]:
        run = self.run(store, progress)
        units = [
            self._unit(f"triplets without labels, {_words(split)}", "drawn triplets", self._asked(run, split), partial(_drawn, run, split))
            for split in run.asked.splits
        ]
        for what, shown in {"pictures to learn from": run.training, "held-out pictures": run.held_out}.items():
            inputs = [self._taught_by(run), shown.digest]
            units.append(self._unit(f"the mapped teacher on {what}", "mapped features", inputs, partial(_mapped, run, shown)))
        return units

    def _ranges(self, store: Store, progress: Progress | None) -> list[LazyUnit]:
        run = self.run(store, progress)
        return [
            self._unit(f"labels {part} for {student}, {_words(split)}", "labels", [self._asked(run, split), student, str(part)], work)
            for split in run.asked.splits
            for student in run.students
            for part in run.asked.parts(split)
            for work in [partial(_range, run, student, split, part)]
        ]

    def _triplets(self, store: Store, progress: Progress | None) -> list[LazyUnit]:
        run = self.run(store, progress)
        return [
            self._unit(f"triplets, {_words(split)}", "triplets", self._labels(run, split), partial(_labels, run, split))
            for split in run.asked.splits
        ]

    def _students(self, store: Store, progress: Progress | None) -> list[LazyUnit]:
        run = self.run(store, progress)
        return [
            self._unit(f"the student {name}", "student", self._student(run, name), partial(_student, run, name)) for name in run.students
        ]

    def _evaluation(self, store: Store, progress: Progress | None) -> list[LazyUnit]:
        return [LazyUnit.of(self.answers(self.run(store, progress)))]

    def _unit(self, label: str, kind: str, inputs: Any, work: Callable[[], Mapping[str, Any]]) -> LazyUnit:
        """Each loads the teacher or a student, where the study says: also to find features that are in the store."""
        needs = Needs(gpu=self.study.device != "cpu")
        return LazyUnit.of(ReceiptUnit(label=label, inputs=_spec(kind, inputs), work=work, needs=needs))

    def _seen(self, run: StudyRun) -> list[Any]:
        """How the teacher sees."""
        part = self.study.teacher
        return [_model(run, part.model, None), part.layer, part.pool]

    def _taught_by(self, run: StudyRun) -> list[Any]:
        """What decides the teacher's map and the clusters."""
        study, part = self.study, self.study.teacher
        shown = {what: each.digest for what, each in _shown(run).items()}
        judged = run.judged.fingerprint if run.judged else FittedTransform.load(part.transform or Path()).digest
        how = [part.method, part.options, part.trials] if run.judged else []
        return [self._seen(run), shown, judged, how, study.held_out, study.seed, study.triplets.clusters, study.triplets.transformed]

    def _labels(self, run: StudyRun, split: str) -> list[Any]:
        return [*self._asked(run, split), run.students]

    def _asked(self, run: StudyRun, split: str) -> list[Any]:
        part = to_plain(self.study.triplets)
        del part["ranges"]  # they change no table
        return [self._taught_by(run), part, split]

    def _student(self, run: StudyRun, name: str) -> list[Any]:
        part = self.study.student
        labels = [self._labels(run, split) for split in run.asked.splits]
        return [labels, _model(run, part.model, part.recipe), part.layer, part.pool, run.fine_tuning, run.pictures.digest, name]

    @cached_property
    def _said(self) -> list[str]:
        """Digests of the files with what people said."""
        part = self.study.evaluation
        files = [*part.triplets.values(), part.levels, part.things_trials, *part.arrangements.values()]
        files += [each.file for each in part.ratings.values()]
        return [hashlib.sha256(each.read_bytes()).hexdigest() if each and each.is_file() else "" for each in files]


@dataclass(frozen=True, kw_only=True, eq=False)
class AnswersUnit:
    """What students are asked before and after; it commits the answers."""

    asked: StudyRun
    inputs: Any
    label: str = "questions to the students"

    @property
    def needs(self) -> Needs:
        """What it needs of its worker."""
        return Needs(gpu=self.asked.study.device != "cpu")

    @cached_property
    def spec(self) -> dict[str, Any]:
        """Everything the answers depend on."""
        return _spec("answers", self.inputs)

    @cached_property
    def fingerprint(self) -> str:
        """The name of what it commits."""
        return fingerprint(self.spec)

    def run(self, store: Store) -> None:
        """Ask; commit the rows, and each triplet's odd one."""
        from isomorph.alignet._study_questions import check_students

        run = self.asked
        run.check()
        students = {name: run.taught(name) for name in run.students}
        found = check_students(run, students, {name: run.asked.labelled(name, "held_out")[0][:] for name in run.students})
        with store.begin(self.fingerprint, self.spec | {"summary": self.label}) as writer:
            writer.put("odd-ones", {name: np.asarray(each) for name, each in found.odd_ones.items()})
            writer.commit({"check": found.check.to_plain(), "seen": dict(found.seen)})

    def read(self, store: Store) -> StudentAnswers:
        """The answers, as committed."""
        from isomorph.alignet._study_questions import StudentAnswers

        stored = store.open(self.fingerprint)
        check = AlignmentCheck.of_plain(stored.meta["check"])
        odd_ones = {name: np.array(stored.read("odd-ones", name)) for name in ("before", *self.asked.students)}
        return StudentAnswers(check=check, seen=dict(stored.meta["seen"]), odd_ones=odd_ones)


def _shown(run: StudyRun) -> dict[str, Stimuli]:
    """What the teacher sees."""
    shown = {"pictures to learn from": run.training, "held-out pictures": run.held_out}
    if run.judged is not None:
        shown["pictures people judged"] = run.judged.stimuli.take(run.judged_split[0])
    return shown


def _model(run: StudyRun, name: str, recipe: Mapping[str, Any] | None) -> list[Any]:
    from isomorph.models._named_model import named_models

    (model,) = named_models([name], device=run.study.device, store=run.store)
    return [model.fingerprint, dict(recipe or {})]


def _spec(kind: str, inputs: Any) -> dict[str, Any]:
    return {"kind": f"alignet {kind}", "isomorph": __version__, "torch": version("torch"), "inputs": fingerprint(to_plain(inputs))}


def _features(run: StudyRun, shown: Stimuli) -> dict[str, Any]:
    run.check()
    return {"extraction": run.teacher_features(shown).provenance["extraction"]}


def _teacher(run: StudyRun) -> dict[str, Any]:
    told: dict[str, Any] = {"transform": run.transform.digest}
    return told | ({"clusters": len(run.asked.clusters)} if run.study.triplets.sampling.startswith("cluster") else {})


def _words(split: str) -> str:
    return split.replace("_", "-")


def _drawn(run: StudyRun, split: str) -> dict[str, Any]:
    if not all(run.asked.found(name, split) for name in run.students):
        run.asked.drawn(split)
    return {"triplets": run.asked.splits[split][1]}


def _mapped(run: StudyRun, shown: Stimuli) -> dict[str, Any]:
    unit = run.asked.mapped(shown)
    if not all(run.asked.found(STUDENT, split) for split, (stimuli, _) in run.asked.splits.items() if stimuli is shown):
        unit.run(run.store)
    return {"object": unit.fingerprint}


def _range(run: StudyRun, student: str, split: str, part: Part) -> dict[str, Any]:
    if not run.asked.found(student, split):
        run.asked.ranges(student, split)[0][part.number - 1].run(run.store)
    return {"triplets": run.asked.splits[split][1], "part": str(part)}


def _labels(run: StudyRun, split: str) -> dict[str, Any]:
    return {name: to_plain(run.asked.labelled(name, split)[1]) for name in run.students}


def _student(run: StudyRun, name: str) -> dict[str, Any]:
    student = run.taught(name)
    return {"checkpoint": student.checkpoint.name, "steps": student.steps}
