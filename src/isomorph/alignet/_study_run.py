"""The steps of an AligNet study, each kept."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph import spec
from isomorph.alignet._fine_tuned import FineTuned
from isomorph.alignet._fine_tuning import FineTuning
from isomorph.alignet._judged_trials import judged_triplets
from isomorph.alignet._student import Student
from isomorph.alignet._study_triplets import CONTROL, STUDENT, StudyTriplets
from isomorph.alignment import FittedTransform, Global, GLocal
from isomorph.arrays import array_digest
from isomorph.errors import InputError
from isomorph.features import Features
from isomorph.models import Model, extract, load_model, penultimate
from isomorph.store._atomic import make_folder

if TYPE_CHECKING:
    from isomorph.alignet._evaluation_people import PeopleQuestion
    from isomorph.alignet._study import AlignetStudy
    from isomorph.benchmarks import GeometryMatch
    from isomorph.engine import Progress
    from isomorph.stimuli import Stimuli
    from isomorph.store import Store


@dataclass(eq=False)
class StudyRun:
    """What the steps share; each is computed when it is first asked for."""

    study: AlignetStudy
    store: Store
    progress: Progress | None
    notes: list[str] = field(default_factory=list)
    _taught: dict[str, FineTuned] = field(default_factory=dict, repr=False)

    def check(self) -> None:
        """Tell now what would otherwise be told after hours: a misspelt option, or what cannot be asked."""
        _ = self.fine_tuning, self.map_fitting
        make_folder(self.study.out)
        _ = self.questions

    @property
    def students(self) -> tuple[str, ...]:
        """Who learns."""
        return (STUDENT, CONTROL) if self.study.student.control == "beside" else (STUDENT,)

    @cached_property
    def questions(self) -> list[PeopleQuestion]:
        """What is asked about people's judgments."""
        from isomorph.alignet._study_questions import questions

        return questions(self)

    @cached_property
    def sets(self) -> dict[str, Stimuli]:
        """The pictures, set by set."""
        from isomorph.alignet._evaluation_pictures import unused
        from isomorph.benchmarks import load_stimuli

        found: dict[str, Stimuli] = {}
        for each in self.study.pictures:
            found[unused(Path(each).name, found)] = load_stimuli(each)
        return found

    @cached_property
    def pictures(self) -> Stimuli:
        """All of them."""
        from isomorph.stimuli import joined

        return joined(self.sets)

    @cached_property
    def training(self) -> Stimuli:
        """The pictures to learn from."""
        away = set(self.held_out.ids)
        return self.pictures.take([each for each in self.pictures.ids if each not in away])

    @cached_property
    def held_out(self) -> Stimuli:
        """The share that is kept for evaluation, of each set alike; who is in it depends on ids and seed alone."""
        own = [each for stimuli in self.sets.values() for each in held_out_rows(stimuli.ids, self.study.held_out, self.study.seed)]
        kept = {each for each, away in zip(self.pictures.ids, own, strict=True) if away}
        if len(kept) < 4 or len(self.pictures) - len(kept) < 4:
            raise InputError(
                f"the study {self.study.name!r} holds out {len(kept)} of {len(self.pictures)} pictures; it needs four on either side."
            )
        return self.pictures.take([each for each in self.pictures.ids if each in kept])

    @cached_property
    def judged(self) -> GeometryMatch | None:
        """The benchmark whose judgments the teacher's map is fitted to, if it is fitted here."""
        from isomorph.benchmarks import load_geometry_match

        return load_geometry_match(self.study.teacher.judgments) if self.study.teacher.judgments else None

    @cached_property
    def teacher(self) -> Model:
        """The teacher."""
        return load_model(self.study.teacher.model, device=self.study.device)

    @cached_property
    def teacher_reading(self) -> tuple[str, Any]:
        """The teacher's layer, and how it becomes one row a picture."""
        part, card = self.study.teacher, self.teacher.card
        layer = part.layer or card.layer or penultimate(self.teacher, self.pictures, part.pool or "flatten")
        return layer, part.pool or (card.pool if layer == card.layer else "") or "flatten"

    def teacher_features(self, stimuli: Stimuli) -> Features:
        """What the teacher holds of pictures."""
        return self.features(self.teacher, stimuli, *self.teacher_reading)

    def features(self, model: Model, stimuli: Stimuli, layer: str, pool: Any) -> Features:
        """One layer of a model, kept in the store."""
        found = extract(
            model,
            stimuli,
            layers=layer,
            pool=pool,
            store=self.store,
            memory_limit=self.study.memory_limit,
            device=self.study.device,
            progress=self.progress,
        )
        rows = found[found.layers[0].name]
        assert isinstance(rows, Features)  # noqa: S101 - features were asked for, not Gram matrices
        return rows

    @cached_property
    def judged_split(self) -> tuple[list[str], list[str]]:
        """The judged pictures that the map may see, and those it may not."""
        assert self.judged is not None  # noqa: S101 - asked for only where there are judgments
        ids = self.judged.stimuli.ids
        away = held_out_rows(ids, self.study.held_out, self.study.seed)
        pairs = list(zip(ids, away, strict=True))
        return [each for each, out in pairs if not out], [each for each, out in pairs if out]

    @cached_property
    def map_fitting(self) -> Global | GLocal:
        """How the teacher's map is fitted, where it is fitted here."""
        part = self.study.teacher
        kind = GLocal if part.method == "glocal" else Global
        return spec.from_plain(kind, {"seed": self.study.seed, **part.options}, where="teacher.options")

    @cached_property
    def transform(self) -> FittedTransform:
        """The map that brings the teacher closer to people: read, or fitted and kept."""
        part = self.study.teacher
        if part.transform is not None:
            return FittedTransform.load(part.transform)
        assert self.judged is not None  # noqa: S101 - the study was checked
        method = self.map_fitting
        path = self.study.out / "teacher.safetensors"
        shown, _ = self.judged_split
        x = self.teacher_features(self.judged.stimuli.take(shown))
        preserve = self.teacher_features(self.training) if part.method == "glocal" else None
        numbers = [array_digest(each.values) for each in (x, preserve) if each is not None]
        asked = spec.fingerprint([part.method, method, part.trials, x.ids, numbers, self.judged.fingerprint, self.study.seed])
        done = self.study.out / "teacher.asked"
        if path.exists() and done.exists() and done.read_text(encoding="utf-8") == asked:
            return FittedTransform.load(path)
        fitted = method.fit(x, judged_triplets(self.judged, shown, part.trials, self.study.seed), preserve=preserve, progress=self.progress)
        fitted.save(path)
        done.write_text(asked, encoding="utf-8")
        return fitted

    @cached_property
    def asked(self) -> StudyTriplets:
        """What the teacher is asked."""
        return StudyTriplets(self)

    @cached_property
    def student_model(self) -> Model:
        """What the student begins as."""
        part = self.study.student
        return load_model(part.model, device=self.study.device, recipe=dict(part.recipe) or None)

    @cached_property
    def beginning(self) -> Student:
        """The student before it has learnt: which layer is read, and how."""
        part = self.study.student
        return Student.of(self.student_model, self.training, layer=part.layer, pool=part.pool)

    @cached_property
    def fine_tuning(self) -> FineTuning:
        """How students learn."""
        part = self.study.student
        plain = spec.to_plain(FineTuning.preset(part.preset, seed=self.study.seed)) | dict(part.training)
        return spec.from_plain(FineTuning, plain, where="student.training")

    def taught(self, name: str) -> FineTuned:
        """A student, fine-tuned or read back."""
        if name not in self._taught:
            self._taught[name] = self._fine_tuned(name)
        return self._taught[name]

    def _fine_tuned(self, name: str) -> FineTuned:
        tables = {split: table for split, (table, _) in self.asked.tables(name).items()}
        return self.fine_tuning.fit(
            self.student_model,
            self.pictures,
            tables["train"][:],
            folder=self.study.out / name,
            validation={"seen pictures": tables["val"][:], "held-out pictures": tables["held_out"][:]},
            layer=self.beginning.layer,
            pool=self.beginning.pool,
            workers=self.study.workers,
            cache=self.study.memory_limit,
            tensorboard=self.study.student.tensorboard,
            label=name,
            seen=(*(self.transform.seen or ()), *self.training.ids) if name == STUDENT else self.training.ids,
            progress=self.progress,
        )

    def exported(self, student: FineTuned) -> tuple[Path, ...]:
        """The student, as files that other programs read."""
        if not self.study.export:
            return ()
        from isomorph.alignet._export import export_student

        return export_student(student, self.held_out, self.study.out / "export", formats=self.study.export).paths


def held_out_rows(ids: Sequence[str], share: float, seed: int) -> list[bool]:
    """Which ids are held out: those whose hash with the seed is smallest. A set's are the same ones wherever it is used."""
    ordered = sorted(ids, key=lambda each: hashlib.sha256(f"{seed}|{each}".encode()).digest())
    away = set(ordered[: round(share * len(ordered))])
    return [each in away for each in ids]
