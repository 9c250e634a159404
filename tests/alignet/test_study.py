"""A whole tiny AligNet study: from a folder of pictures to students, answers and a page; twice; and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from isomorph.alignet import AlignetStudy, _study_triplets
from isomorph.alignet._study_questions import check_students
from isomorph.alignet._study_run import StudyRun, held_out_rows
from isomorph.alignment import FittedTransform
from isomorph.arrays import array_digest
from isomorph.benchmarks import GeometryMatch, Target
from isomorph.cli import main
from isomorph.engine import run_plan
from isomorph.errors import FileError, InputError
from isomorph.judgments import Triplets, save_triplets
from isomorph.stimuli import Stimuli
from isomorph.store import Store

STUDY = """
pictures = ["pictures"]
held_out = 0.3
export = []
memory_limit = "1GB"
workers = 1
out = "out"
store = "store"

[teacher]
model = "bundled/mobilenet_v2.random-0"
transform = "map.safetensors"

[triplets]
clusters = 4
train = 200
validation = 40

[student]
model = "bundled/mobilenet_v2.random-1"
recipe = {height_pixels = 32, width_pixels = 32, resize_pixels = 32}
control = "beside"
training = {steps = 4, batch_size = 4, learning_rate = 1e-4, warmup = 1, dimensions = 16, evaluate_every = 2, checkpoint_every = 4}
tensorboard = true

[evaluation]
triplets = {friends = "friends.csv"}
labels = false
neighbours = [3]
replicates = 20
"""


def coloured(folder: Path, *, classes: int = 3, each: int = 14) -> None:
    rng = np.random.default_rng(0)
    for name in range(classes):
        (folder / f"class{name}").mkdir(parents=True)
        for at in range(each):
            colour = np.eye(3)[name % 3] * 150 + rng.integers(0, 100, 3)
            pixels = np.clip(colour + rng.integers(-20, 20, (32, 32, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"class{name}" / f"{name}-{at:02}.png")


def judged(folder: Path) -> int:
    """People's trials: some about held-out pictures alone, some not; how many are the former."""
    ids = Stimuli.from_folder(folder / "pictures").ids
    away = np.flatnonzero(held_out_rows(ids, 0.3, 0))
    rng = np.random.default_rng(1)
    unmet = [rng.permutation(away)[:3] for _ in range(25)]
    met = [[*rng.permutation(away)[:2], next(row for row in range(len(ids)) if row not in away)] for _ in range(5)]
    save_triplets(Triplets(items=np.array([*unmet, *met], dtype=np.int32), objects=ids), folder / "friends.csv")
    return len(unmet)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    coloured(folder / "pictures")
    judged(folder)
    (folder / "study.toml").write_text(STUDY)
    save_map(folder)
    return folder


def save_map(folder: Path) -> None:
    """The first three principal directions of the teacher's features, of unit variance: colours."""
    study = AlignetStudy.load(folder / "study.toml")
    run = StudyRun(study, Store(study.store), None)
    values = run.teacher_features(run.training).values.astype(np.float64)
    centred = values - values.mean(axis=0)
    _, spread, directions = np.linalg.svd(centred, full_matrices=False)
    weights = directions[:3].T / spread[:3] * np.sqrt(len(values))
    FittedTransform(weights=weights, bias=-values.mean(axis=0) @ weights, method="made up", seen=("apple",)).save(
        folder / "map.safetensors"
    )


@pytest.fixture(scope="module")
def outcome(folder):
    study = AlignetStudy.load(folder / "study.toml")
    return study.run(Store(study.store))


def changed(folder: Path, old: str, new: str) -> AlignetStudy:
    assert old in STUDY
    path = folder / "changed.toml"
    path.write_text(STUDY.replace(old, new))
    return AlignetStudy.load(path)


def of(folder: Path, old: str, new: str) -> StudyRun:
    study = changed(folder, old, new)
    return StudyRun(study, Store(study.store), None)


def test_nobody_meets_the_pictures_that_are_held_out(outcome):
    assert len(outcome.training) == 29
    assert len(outcome.held_out) == 13
    assert not set(outcome.training) & set(outcome.held_out.ids)
    assert set(outcome.answers.seen.values()) == {0}
    for student in outcome.students.values():
        assert not set(student.model.seen) & set(outcome.held_out.ids)
    assert "apple" in outcome.students["alignet"].model.seen
    assert "apple" not in outcome.students["unalignet"].model.seen


def test_both_students_learn_and_are_asked_the_same(outcome):
    assert list(outcome.students) == ["alignet", "unalignet"]
    assert outcome.check.questions == ("neighbours kept @3", "agreement with the teacher", "people (friends)")
    before = {row["question"]: row["before"] for row in outcome.check.rows if row["transform"] == "alignet"}
    assert before == {row["question"]: row["before"] for row in outcome.check.rows if row["transform"] == "unalignet"}
    for student in outcome.students.values():
        assert [entry["step"] for entry in student.history] == [0, 1, 2, 3]
        assert len(list(student.folder.glob("events.*"))) == 1
        assert set(student.validation) == {"seen pictures", "held-out pictures"}
        assert all(np.isfinite(entry["loss"]) for entry in student.history)
    assert outcome.students["alignet"].history[0]["loss"] != outcome.students["unalignet"].history[0]["loss"]


def test_agreement_is_the_share_of_the_odd_ones(outcome):
    row = outcome.check.row("agreement with the teacher", "alignet")
    assert {name: len(each) for name, each in outcome.answers.odd_ones.items()} == dict.fromkeys(("before", "alignet", "unalignet"), 40)
    for name, key in (("before", "before"), ("alignet", "after")):
        assert (outcome.answers.odd_ones[name] == 2).mean() == pytest.approx(row[key])


def test_trials_about_pictures_that_were_learnt_from_are_left_out(outcome):
    assert outcome.check.row("people (friends)", "alignet")["n"] == 25
    assert any(note.startswith("friends: 25 of 30 trials are about") for note in outcome.notes)


def test_again_nothing_is_done_twice_and_the_answers_are_equal(folder, outcome):
    kept = {path: path.stat().st_mtime_ns for path in (folder / "out").rglob("checkpoint-*")}
    assert kept
    study = AlignetStudy.load(folder / "study.toml")
    again = study.run(Store(study.store))
    assert {path: path.stat().st_mtime_ns for path in (folder / "out").rglob("checkpoint-*")} == kept
    assert again.check.rows == outcome.check.rows
    assert again.labels == outcome.labels
    for name, student in again.students.items():
        assert student.model.fingerprint == outcome.students[name].model.fingerprint
        assert list(student.history) == list(outcome.students[name].history)


def tables(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in (out / "triplets").rglob("*") if path.is_file()}


def test_ranges_change_neither_tables_nor_names_and_label_nothing_twice(folder, outcome, tmp_path, monkeypatch):
    plain, ranged = AlignetStudy.load(folder / "study.toml"), changed(folder, "clusters = 4", "clusters = 4\nranges = 3")
    store = Store(plain.store)
    assert plain.parts.stages == ("features", "teacher", "triplets", "students", "evaluation")
    assert ranged.parts.stages == ("features", "teacher", "drawn", "labels", "triplets", "students", "evaluation")
    kept = {path: path.stat().st_mtime_ns for path in (folder / "out" / "triplets").rglob("*")}
    for stage in ranged.parts.stages[:5]:
        run_plan(ranged.parts.units(store, stage=stage), store=store)
    assert kept == {path: path.stat().st_mtime_ns for path in kept}
    assert "labels of a range of triplets" not in [each.kind for each in store.entries()]
    one, other = ([unit.fingerprint for unit in each.parts.units(store, stage="triplets")] for each in (plain, ranged))
    assert one == other
    digests: list[int] = []
    monkeypatch.setattr(_study_triplets, "array_digest", lambda values: digests.append(len(values)) or array_digest(values))
    anew = StudyRun(replace(ranged, out=tmp_path), store, None)
    for student in anew.students:
        anew.asked.tables(student)
    assert tables(tmp_path) == tables(folder / "out")
    clusters, *features = digests
    assert (len(features), clusters) == (2, len(anew.training))  # of each set of pictures once, whatever is asked
    assert [each.kind for each in store.entries()].count("labels of a range of triplets") == 6


def test_in_a_terminal(folder, outcome, capsys):
    assert main(["alignet", "run", str(folder / "study.toml"), "--no-figures", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert list(said) == ["name", "out", "report", "training", "held_out", "students", "check", "exports", "notes"]
    assert (said["name"], said["training"], said["held_out"], said["exports"]) == ("study", 29, 13, [])
    assert len(said["check"]) == len(outcome.check.rows)
    text = Path(said["report"]).read_text()
    assert "On 13 held-out pictures the student picks" in text
    assert text.count('src="data:image/jpeg;base64,') % 3 == 0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('control = "beside"', 'control = "besides"', "control"),
        ("clusters = 4", "cluster = 4", "cluster"),
        ("held_out = 0.3", "held_out = 1.5", "held_out is a share between 0 and 1; got 1.5"),
        ('pictures = ["pictures"]', "pictures = []", "names no pictures"),
        ('transform = "map.safetensors"', "", "needs a transform .* it has neither"),
        ('transform = "map.safetensors"', 'transform = "a"\njudgments = "b"', "it has both"),
        ("clusters = 4", 'sampling = "clusterborder"', "clusterborder"),
        ("train = 200", "train = 0", "at least one triplet to train"),
        ("workers = 1", "seed = -1", "the seed must be 0 or more; got -1"),
    ],
)
def test_a_bad_option_is_named(folder, old, new, message):
    with pytest.raises(InputError, match=message):
        changed(folder, old, new)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("steps = 4,", "step = 4,", r"student\.training.*step"),
        ('transform = "map.safetensors"', 'judgments = "kriegeskorte-92"\noptions = {tua = 1.0}', r"teacher\.options.*tua"),
    ],
)
def test_bad_options_of_training_are_named_before_anything_is_done(folder, old, new, message, tmp_path):
    study = replace(changed(folder, old, new), out=tmp_path / "never")
    with pytest.raises(InputError, match=message):
        study.run(Store(tmp_path))
    assert not (tmp_path / "never").exists()


def test_several_processes_are_refused(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("WORLD_SIZE", "2")
    study = replace(AlignetStudy.load(folder / "study.toml"), out=tmp_path / "never")
    with pytest.raises(InputError, match="a study is one process"):
        study.run(Store(tmp_path))
    assert not (tmp_path / "never").exists()


def test_a_file_that_is_not_there(folder):
    with pytest.raises(FileError, match=r"nothing\.safetensors"):
        _ = of(folder, 'transform = "map.safetensors"', 'transform = "nothing.safetensors"').transform


def test_too_few_pictures(folder):
    with pytest.raises(InputError, match="holds out 2 of 42 pictures; it needs four on either side"):
        _ = of(folder, "held_out = 0.3", "held_out = 0.05").held_out


def test_more_clusters_than_pictures(folder, outcome):
    with pytest.raises(InputError, match="50 clusters"):
        _ = of(folder, "clusters = 4", "clusters = 50").asked.clusters


def test_classes_are_folders(folder, outcome, tmp_path):
    run = of(folder, "clusters = 4\ntrain = 200", 'sampling = "between_class"\ntrain = 30')
    table, _ = run.asked.labelled("alignet", "train")
    drawn = table[:]
    classes = np.array([name.partition("/")[0] for name in drawn.objects])[drawn.items]
    assert all(len(set(three)) == 3 for three in classes)
    with pytest.raises(InputError, match="'between_class' triplets need classes, one folder each; sample by clusters instead"):
        run.asked.groups(Stimuli.from_arrays(np.zeros((4, 8, 8, 3), np.uint8), ids=list("abcd")))


def test_clusters_of_one_picture_give_no_pair(folder, outcome):
    run = of(folder, "clusters = 4", "clusters = 29")
    with pytest.raises(InputError, match="need a group of 2 images and another group; there are 29 images in 29 groups, the largest of 1"):
        run.asked.labelled("alignet", "train")


def test_trials_about_other_pictures(folder, outcome, tmp_path):
    strangers = Triplets(items=np.array([[0, 1, 2]], dtype=np.int32), objects=("x", "y", "z"))
    save_triplets(strangers, folder / "strangers.csv")
    run = of(folder, '"friends.csv"', '"strangers.csv"')
    with pytest.raises(InputError, match="none of 1 trials of 'friends' is about three"):
        check_students(run, outcome.students, outcome.held_out_triplets)


def test_folders_of_one_name_are_two_sets(tmp_path):
    for place in "ab":
        coloured(tmp_path / place / "photos", classes=1)
    (tmp_path / "study.toml").write_text(STUDY.replace('["pictures"]', '["a/photos", "b/photos"]'))
    study = AlignetStudy.load(tmp_path / "study.toml")
    run = StudyRun(study, Store(study.store), None)
    assert len(run.pictures) == 28
    assert {each.split("/")[0] for each in run.pictures.ids} == {"photos", "photos 2"}
    assert len(run.held_out) == 8


def test_a_map_that_was_kept_is_fitted_anew_where_its_question_is_another(folder, tmp_path):
    """Another layer of the teacher, or other pictures whose neighbours are to be kept."""
    stimuli = Stimuli.from_folder(folder / "pictures")
    rdms = np.random.default_rng(0).random((2, 1, len(stimuli) * (len(stimuli) - 1) // 2))
    people = GeometryMatch(name="us", stimuli=stimuli, targets=(Target(name="we", kind="behaviour", rdms=rdms, subjects=("x", "y")),))

    def fitted(judgments, shown=None):
        study = replace(of(folder, 'transform = "map.safetensors"', judgments).study, out=tmp_path)
        run = StudyRun(study, Store(study.store), None)
        run.__dict__["judged"] = people
        run.__dict__["training"] = run.training.take(run.training.ids[:shown])
        return run.transform

    options = 'judgments = "us"\noptions = {epochs = 1, min_epochs = 1}\n'
    first, again = fitted(options), fitted(options)
    assert np.array_equal(first.weights, again.weights)
    assert len(fitted(f'{options}layer = "features.5"\npool = "mean"').weights) < len(first.weights)
    fewer = fitted(options, shown=10)
    assert fewer.weights.shape == first.weights.shape
    assert not np.array_equal(fewer.weights, first.weights)
