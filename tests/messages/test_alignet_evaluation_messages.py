"""The sentences about what a study cannot ask, word for word; all are said before anybody is trained."""

import json
import pickle
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from isomorph.alignet import AlignetStudy, levels_questions
from isomorph.alignet._evaluation_pictures import called
from isomorph.alignet._robust_pictures import corrupted
from isomorph.alignet._robustness import Robustness
from isomorph.alignet._study import EvaluationPart, RatingFile, StudentPart, TeacherPart
from isomorph.alignet._study_run import StudyRun
from isomorph.alignment import FittedTransform
from isomorph.alignment._check_intervals import Draws
from isomorph.errors import FileError, IdError, InputError, UnknownNameError
from isomorph.features import Features
from isomorph.judgments import Triplets, save_triplets
from isomorph.stimuli import Stimuli
from isomorph.store import Store


def said(error, text):
    return pytest.raises(error, match="^" + re.escape(text) + "$")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("study"), np.random.default_rng(0)
    for row in range(24):
        path = folder / "photos" / "ab"[row % 2] / f"{row}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, size=(8, 8, 3), dtype=np.uint8)).save(path)
    FittedTransform(weights=np.eye(4), seen=()).save(folder / "map.safetensors")
    teacher = TeacherPart(model="bundled/pixels", transform=folder / "map.safetensors")
    study = AlignetStudy(
        name="s", pictures=(str(folder / "photos"),), teacher=teacher, student=StudentPart(model="bundled/pixels"), held_out=0.5
    )
    return study, folder


def ask(study, **evaluation):
    part = EvaluationPart(**{"labels": False, **evaluation})
    store = Store(study[1] / "store")
    return StudyRun(replace(study[0], evaluation=part), store, None).questions


def test_trials_about_other_pictures(study):
    other = Triplets(items=np.array([[0, 1, 2]]), objects=("cup", "dog", "egg"))
    save_triplets(other, study[1] / "other.npz")
    with said(
        InputError,
        "none of 1 trials of 'mine' is about three pictures that can be asked about; name the trials' pictures by their ids, or add their "
        "folder to evaluation.pictures.",
    ):
        ask(study, triplets={"mine": study[1] / "other.npz"})
    with pytest.raises(FileError, match=r"there is no file .*gone\.npz"):
        ask(study, triplets={"mine": study[1] / "gone.npz"})


def test_arrangements_and_ratings_of_other_pictures(study):
    task = {"task": {"task_type": "multiarrange"}, "rdm": [1.0, 2.0, 3.0], "stimuli": [{"name": each} for each in "cde"]}
    (study[1] / "arranged.json").write_text(json.dumps({"tasks": [task]}))
    (study[1] / "rated.csv").write_text("first,second,rating\nc,d,1\nd,e,2\n")
    text = (
        "0 of 3 stimuli of 'mine' are pictures that can be asked about, and it takes 4; pictures and stimuli meet by id or file name. Add "
        "their folder to evaluation.pictures."
    )
    with said(InputError, text):
        ask(study, arrangements={"mine": study[1] / "arranged.json"})
    with said(InputError, text):
        ask(study, ratings={"mine": RatingFile(file=study[1] / "rated.csv", scale="similarity")})


def test_things_without_its_pictures(study, tmp_path):
    from isomorph.errors import FetchError
    from isomorph.judgments import things_ids

    try:
        things_ids()
    except (FetchError, FileError):
        pytest.skip("the list of THINGS' objects is not on this machine")
    (tmp_path / "things.txt").write_text("0 1 2\n3 4 5\n")
    with said(
        InputError,
        "of THINGS' 1,854 objects 0 have a picture that can be asked about, and no trial is about three of them: a picture is called by "
        "its object's id, such as 'aardvark', or lies in a folder of that name. Add THINGS' pictures to evaluation.pictures.",
    ):
        ask(study, things=True, things_trials=tmp_path / "things.txt")


def test_levels_about_other_pictures(tmp_path):
    trial = {"image1Path": "a.jpg", "image2Path": "b.jpg", "image3Path": "c.jpg", "selected_image": "c.jpg"}
    kinds = ("between_class", "within_class", "class_border")
    (tmp_path / "l.pkl").write_bytes(pickle.dumps({"p": [{**trial, "triplet_type": kind} for kind in kinds]}))
    x = Features(np.eye(4), ("d", "e", "f", "a"))
    with said(
        InputError,
        "none of Levels' 3 trials is about three of these 4 pictures; name the pictures by Levels' file names, such as 'n01440764_10026'.",
    ):
        levels_questions(tmp_path / "l.pkl", x, x)
    known = Features(np.eye(4), ("a", "b", "c", "d"))
    with pytest.raises(FileError, match="has no field 'rt'; it has 'image1Path'"):
        levels_questions(tmp_path / "l.pkl", known, known, time_key="rt")


def test_two_objects_that_are_one_picture():
    with said(IdError, "1 of 2 objects are called like another's picture; one is 'x/a'."):
        called(("a.jpg", "a.png"), ("x/a", "x/b"))


def test_classes_that_cannot_be_asked_about(study):
    with said(InputError, "a subclass shift needs labels of two levels, 'superclass/subclass'; 2 of 2 have none, the first is 'a'."):
        ask(study, labels=True, shift=True, shots=(1,))
    with pytest.raises(InputError, match="a few-shot test learns from 12 of every class and is tested on others, which takes 13; 2 of 2"):
        ask(study, labels=True, shots=(12,))
    flat = study[1] / "flat"
    flat.mkdir()
    for path in study[1].glob("photos/*/*.png"):
        (flat / path.name).write_bytes(path.read_bytes())
    without = (replace(study[0], pictures=(str(flat),)), study[1])
    for option in ({"shift": True}, {"corruptions": ("blur",)}):
        with said(
            InputError,
            f"evaluation.{next(iter(option))} asks about classes, and the held-out pictures have none: put them into one folder each.",
        ):
            ask(without, **option)


def test_corruptions_and_shots():
    with pytest.raises(UnknownNameError, match="no corruption is called 'fog'"):
        EvaluationPart(corruptions=("fog",))
    with said(InputError, "the severity of a corruption is 1 … 5; got 6."):
        EvaluationPart(corruptions=("blur",), severity=6)
    with said(InputError, "the severity of a corruption is 1 … 5; got 0."):
        corrupted(np.zeros((8, 8, 3), np.uint8), "blur", 0)
    with said(InputError, "evaluation.shots: 1, a larger number, or both; got [2, 5]."):
        EvaluationPart(shots=(2, 5))
    with said(InputError, "robustness needs 2 or more folds, and as many pictures; got 5 folds and 4 pictures."):
        Robustness(pictures=4)
    pictures = Stimuli.from_arrays(np.zeros((4, 8, 8, 3), np.uint8), list("abcd"), layout="NHWC")
    x = Features(np.eye(4), pictures.ids)
    with said(InputError, "corrupted pictures are told apart by their classes, and these pictures have none: one folder each."):
        Robustness().compare(x, {"s": x}, pictures, lambda _: (x, {"s": x}), Draws())


def test_more_neighbours_than_held_out_pictures(study):
    part = EvaluationPart(labels=False, neighbours=(5, 11))
    run = StudyRun(replace(study[0], evaluation=part), Store(study[1] / "store"), None)
    assert run.questions == []
    assert run.notes == ["The 11 nearest of 12 held-out pictures cannot change or do not exist; they are not asked about."]
