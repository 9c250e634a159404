"""The report of an AligNet study: its sentences, its files, and names that try to be HTML."""

from __future__ import annotations

import csv
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from isomorph.alignet import AlignetStudy, FineTuned, LabelReport, Student
from isomorph.alignet._study import EvaluationPart, StudentPart, TeacherPart, TripletPart
from isomorph.alignet._study_outcome import StudyOutcome
from isomorph.alignet._study_questions import StudentAnswers
from isomorph.alignment import AlignmentCheck, FittedTransform
from isomorph.errors import FileError
from isomorph.judgments import Triplets
from isomorph.models import load_model
from isomorph.report import alignet_report
from isomorph.report._alignet_view import AlignetView
from isomorph.stimuli import Stimuli

HOSTILE = "<script>alert(1)</script>"
PEOPLE = "people (somewhere, RSA)"


def line(student, question, before, after, half=0.04, *, n=20, chance=1 / 3):
    by = after - before
    low, high = (None, None) if half is None else (by - half, by + half)
    change = "" if low is None else "better" if low > 0 else "worse" if high < 0 else "none shown"
    ends = {
        f"{when}_{end}": value + sign * 0.03
        for when, value in (("before", before), ("after", after))
        for end, sign in (("low", -1), ("high", 1))
    }
    return {
        **{"transform": student, "question": question, "before": before, "after": after, "difference": by, "low": low, "high": high},
        **{"change": change, "n": n, "unit": "stimuli", "drawn": "stimuli", "chance": chance, "note": "", "seen": "unseen", **ends},
    }


def rows(student, gain, people):
    return [
        line(student, "neighbours kept @5", 1.0, 0.8, chance=0.26),
        line(student, "agreement with the teacher", 0.55, 0.55 + gain),
        line(student, PEOPLE, 0.31, 0.31 + people, chance=0.0),
        line(student, "few-shot logistic", 0.4, 0.45, chance=0.25),
    ]


def history(steps=30, start=0.5, held_out=0.1):
    for step in range(steps):
        entry = {"step": step, "loss": 0.2 / (1 + step), "agreement": start + 0.01 * step, "rate": 1e-4, "gradient_norm": 1.0}
        if step % 10 == 9:
            look = {"loss": 0.1, "agreement": start + 0.008 * step, "triplets": 8}
            entry["validation"] = {"seen pictures": look, "held-out pictures": {**look, "agreement": look["agreement"] - held_out}}
        yield entry


def example(*, hostile: bool = False, control: bool = True, people: float = 0.1, of_control: float = 0.0) -> StudyOutcome:
    ids = [HOSTILE if hostile else "red/0.png", *(f"red/{at}.png" for at in range(1, 20))]
    pictures = Stimuli.from_arrays(np.random.default_rng(0).integers(0, 256, (20, 24, 24, 3)).astype(np.uint8), ids=ids)
    students = {"alignet": 0.15, "unalignet": 0.02} if control else {"alignet": 0.15}
    gains = {"alignet": people, "unalignet": of_control}
    items = np.array([[at, (at + 1) % 20, (at + 2) % 20] for at in range(20)], dtype=np.int32)
    triplets = Triplets(items=items, objects=tuple(ids), similarities=np.tile([3.0, 2.0, 1.0], (20, 1)))
    model = load_model("bundled/mobilenet_v2.random-0")
    student = Student(model.module, "blocks.17", "flatten", width=4, dimensions=4)
    fitted = {
        name: FineTuned(
            model=model, student=student, history=tuple(history(start=0.4 + gain)), folder=Path("x"), checkpoint=Path("x") / "30"
        )
        for name, gain in students.items()
    }
    odd = {"before": np.zeros(20, dtype=np.int64), "alignet": np.where(np.arange(20) < 7, 2, 0), "unalignet": np.ones(20, dtype=np.int64)}
    check = AlignmentCheck(
        rows=tuple(row for name, gain in students.items() for row in rows(name, gain, gains[name])),
        options={"replicates": 100, "level": 0.95},
    )
    return StudyOutcome(
        study=AlignetStudy(
            name=HOSTILE if hostile else "colours", pictures=("photos",), triplets=TripletPart(clusters=4, train=200),
            teacher=TeacherPart(model="a/teacher", transform=Path("map.npz")), student=StudentPart(model="a/student"),
            evaluation=EvaluationPart(replicates=100),
        ),
        training=tuple(f"blue/{at}" for at in range(60)),
        held_out=pictures,
        transform=FittedTransform(weights=np.eye(3), method="gLocal"),
        labels={name: LabelReport(n=200, odd_last=1.0, third_smallest=1.0, tied=0.0, moved=0.5, entropy=0.9) for name in students},
        students=fitted,
        held_out_triplets=dict.fromkeys(students, triplets),
        answers=StudentAnswers(
            check=check, seen=dict.fromkeys(check.questions, 0), odd_ones={name: odd[name] for name in ("before", *students)}
        ),
        notes=(HOSTILE if hostile else "one picture was black",),
    )  # fmt: skip


@pytest.fixture(scope="module")
def outcome():
    return example()


def test_the_headline_says_what_was_gained_and_what_it_cost(outcome):
    assert alignet_report(outcome).headline == (
        "On 20 held-out pictures the student picks the aligned teacher’s odd one out in 70% of triplets, 55% before "
        "(+15 points [+11, +19]); agreement with people rises from 0.31 to 0.41 (+0.10 [+0.06, +0.14]), the control’s moves by 0.00 "
        "[−0.04, +0.04]; it keeps 80% of its 5 nearest neighbours."
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"control": False}, "Without a control"),
        ({"of_control": 0.2}, "the control comes closer to people, too"),
        ({"people": 0.01}, "no change of the student’s agreement with people is shown"),
        ({"people": -0.1}, "the student is further from people than before"),
    ],
)
def test_what_the_headline_hides_is_said(changes, sentence, outcome):
    assert sentence not in str(alignet_report(outcome))
    assert sentence in str(alignet_report(example(**changes)))


def of_rows(outcome, change, **more):
    rows = tuple({**row, **change(row)} for row in outcome.check.rows)
    check = AlignmentCheck(rows=rows, options=outcome.check.options)
    return replace(outcome, answers=replace(outcome.answers, check=check, **more))


def test_what_had_been_seen_and_what_is_not_known(outcome, tmp_path):
    met = of_rows(outcome, lambda row: {"seen": "judgments seen"} if row["question"] == PEOPLE else {}, seen={PEOPLE: 3})
    assert f"{PEOPLE}: judgments seen, so that these are no held-out scores." in str(alignet_report(met))
    assert "<small>3 pictures</small>" in alignet_report(met).save(tmp_path, figures=False).read_text()
    unknown = of_rows(outcome, lambda _: {"seen": "not known"})
    assert str(alignet_report(unknown)).count("is not known: its file does not say") == 1


def test_what_people_reach_stands_beside(outcome, tmp_path):
    known = of_rows(
        outcome, lambda row: {"ceiling_lower": 0.6, "ceiling_upper": 0.7, "note": "of halves"} if row["question"] == PEOPLE else {}
    )
    text = alignet_report(known).save(tmp_path, figures=False).read_text()
    assert text.count("<small>people 0.60–0.70</small>") == 2
    assert text.count("<small>of halves</small>") == 1


def test_nobody_was_asked_and_nothing_was_learnt(outcome):
    kept = [row for row in outcome.check.rows if row["question"] != PEOPLE]
    kept = [{**row, "change": "none shown"} if row["question"].startswith("agreement") else row for row in kept]
    silent = replace(outcome, answers=replace(outcome.answers, check=AlignmentCheck(rows=tuple(kept))))
    said = str(alignet_report(silent))
    assert "No person’s judgments were asked for" in said
    assert "it has not learnt what it was taught" in said
    assert "agreement with people" not in alignet_report(silent).headline


def test_answers_without_intervals_or_without_a_figure(outcome, tmp_path):
    bare = [{**row, "low": None, "high": None, "change": "", "before_low": None, "before_high": None} for row in outcome.check.rows]
    bare = [{**row, "after_low": None, "after_high": None} for row in bare]
    bare[1] |= {"low": math.nan, "high": math.nan, "change": "none shown"}
    bare[2] |= {"before": math.nan, "after": math.nan, "difference": math.nan}
    bare[3] |= {"before": math.nan, "difference": math.nan}
    report = alignet_report(replace(outcome, answers=replace(outcome.answers, check=AlignmentCheck(rows=tuple(bare)))))
    assert "[" not in report.headline
    text = report.save(tmp_path, figures=False).read_text()
    assert "nan" not in text.lower()


def test_the_folder_holds_the_page_the_numbers_and_the_figures(outcome, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed; it is in the plots extra")
    page = alignet_report(outcome, notes=("a note",)).save(tmp_path / "r")
    text = page.read_text()
    assert "a note" in text
    assert "one picture was black" in text
    assert re.search(r'(src|href)="https?:', text) is None
    assert AlignmentCheck.load(tmp_path / "r/data/check.json").rows == tuple(dict(row) for row in outcome.check.rows)
    with (tmp_path / "r/data/history.csv").open() as file:
        steps = list(csv.DictReader(file))
    assert len(steps) == 60
    assert float(steps[9]["held-out pictures: agreement"]) == pytest.approx(0.522)
    assert steps[8]["held-out pictures: agreement"] == ""
    assert json.loads((tmp_path / "r/data/study.json").read_text())["student"]["model"] == "a/student"
    assert {path.stem for path in (tmp_path / "r/figures").glob("*.pdf")} == {"before-and-after", "curves", "best-of-both-worlds"}


def test_the_strip_shows_whose_mind_has_changed(outcome, tmp_path):
    changes = AlignetView(outcome).changes
    assert (changes.rows, changes.to_teacher, changes.from_teacher) == (list(range(7)), 7, 0)
    text = alignet_report(outcome).save(tmp_path, figures=False).read_text()
    assert text.count('src="data:image/jpeg;base64,') == 21
    assert text.count('<figure class="odd">') == 7
    assert text.count('class="said student"') == 7


def test_names_are_never_html(tmp_path):
    text = alignet_report(example(hostile=True), notes=(HOSTILE,)).save(tmp_path, figures=False).read_text()
    assert HOSTILE not in text
    assert "&lt;script&gt;" in text


def test_long_runs_are_drawn_as_means(outcome):
    long = replace(outcome.students["alignet"], history=tuple({**each, "agreement": 0.25} for each in history(1_000)))
    view = AlignetView(replace(outcome, students={"alignet": long}))
    points = [each for each in view.curves() if each["set"] == "training batches"]
    assert len(points) == 200
    assert points[-1]["step"] == 1_000
    assert {each["agreement"] for each in points} == {0.25}


def test_a_folder_that_cannot_be_written(outcome, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="the report cannot be written into"):
        alignet_report(outcome).save(tmp_path / "file" / "r", figures=False)
