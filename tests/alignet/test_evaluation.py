"""What a study asks of its students: Levels, other judgments of people, shifts, corruptions, and what had been seen."""

import json
import pickle

import numpy as np
import pytest
from PIL import Image

from isomorph.alignet import AlignetStudy, levels_questions
from isomorph.alignet._evaluation_pictures import about, called
from isomorph.alignet._robust_pictures import CORRUPTIONS, corrupted
from isomorph.alignet._robustness import Robustness
from isomorph.alignment._check_intervals import Draws
from isomorph.features import Features
from isomorph.judgments import Triplets, save_triplets
from isomorph.stimuli import Stimuli
from isomorph.store import Store

NETWORK = "bundled/efficientnet_lite0.imagenet1k"
KINDS = ("between_class", "within_class", "class_border")


def simulated_levels(path, *, pictures=40, triplets=60, people=25, seed=0):
    """People who draw their odd one from the softmax of true similarities, and take longer where that is unsure."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(pictures, 6))
    units = truth / np.linalg.norm(truth, axis=1, keepdims=True)
    names = [f"n{row:08}_1.JPEG" for row in range(pictures)]
    content = {f"p{person}": [] for person in range(people)}
    for kind in KINDS:
        for _ in range(triplets):
            items = rng.choice(pictures, 3, replace=False)
            close = 6 * np.array([units[items[1]] @ units[items[2]], units[items[0]] @ units[items[2]], units[items[0]] @ units[items[1]]])
            chances = np.exp(close - close.max())
            chances /= chances.sum()  # of each item to be the odd one: the similarity of the other two
            unsure = -(chances * np.log(chances)).sum()
            for person in rng.choice(people, 6, replace=False):
                content[f"p{person}"].append(
                    {
                        **{f"image{at + 1}Path": f"images/{names[item]}" for at, item in enumerate(items)},
                        "selected_image": names[items[rng.choice(3, p=chances)]],
                        "exp_trial_type": "exp_trial",
                        "triplet_type": kind,
                        "rt": 1000 * np.exp(unsure + 0.3 * rng.normal()),
                    }
                )
    plain = {
        person: [{key: float(each) if key == "rt" else each for key, each in trial.items()} for trial in content[person]]
        for person in content
    }
    path.write_bytes(pickle.dumps(plain))
    ids = tuple(f"{'abcd'[row % 4]}/{name.removesuffix('.JPEG')}" for row, name in enumerate(names))
    return Features(truth, ids, subject="truth"), Features(rng.normal(size=(pictures, 6)), ids, subject="chance")


def test_a_model_that_knows_the_truth_reaches_people(tmp_path):
    truth, guess = simulated_levels(tmp_path / "levels.pkl")
    found = levels_questions(tmp_path / "levels.pkl", guess, {"truth": truth}, time_key="rt", replicates=200)
    tiers = ("global coarse-grained", "local fine-grained", "class boundary")
    assert found.questions[::3] == tuple(f"Levels, {tier}" for tier in tiers)
    for tier in tiers:
        row = found.row(f"Levels, {tier}")
        assert (row["n"], row["drawn"], row["change"]) == (360, "participants", "better")
        assert row["before"] == pytest.approx(1 / 3, abs=0.12)
        assert row["ceiling_lower"] < row["ceiling_upper"]
        assert row["ceiling_lower"] - 0.06 < row["after"] < row["ceiling_upper"] + 0.01
        assert "two answers agree" in row["note"]
        times, people = (found.row(f"Levels, {tier}: entropy with {what}") for what in ("response times", "people's entropy"))
        assert abs(times["before"]) < 0.35 < 0.6 < times["after"]
        assert (times["unit"], times["drawn"], times["change"]) == ("trials", "participants", "better")
        assert people["after"] > 0.5
        assert (people["n"], people["drawn"]) == (60, "triplets")
        assert times["low"] < times["difference"] < times["high"]


def test_levels_of_some_pictures_without_times(tmp_path):
    truth, _ = simulated_levels(tmp_path / "levels.pkl", triplets=40)
    some = truth.take(truth.ids[:36])
    found = levels_questions(tmp_path / "levels.pkl", some, {"same": some}, replicates=0)
    assert not any("times" in each for each in found.questions)
    assert all(each["difference"] == 0 for each in found.rows)
    assert any("trials are about pictures at hand" in note for note in found.notes)
    assert found.row("Levels, class boundary")["n"] < 240
    other = levels_questions(tmp_path / "levels.pkl", some, {"same": some}, temperature=0.5, replicates=0)
    agreement, entropy = "Levels, class boundary", "Levels, class boundary: entropy with people's entropy"
    assert other.row(agreement)["after"] == found.row(agreement)["after"]
    assert other.row(entropy)["after"] != found.row(entropy)["after"]


def test_triplets_nobody_answered_twice_have_no_ceiling(tmp_path):
    trial = {"image1Path": "a.jpg", "image2Path": "b.jpg", "image3Path": "c.jpg", "selected_image": "c.jpg"}
    (tmp_path / "l.pkl").write_bytes(pickle.dumps({"p": [{**trial, "triplet_type": kind} for kind in KINDS]}))
    x = Features(np.random.default_rng(0).normal(size=(3, 4)), ("a", "b", "c"))
    found = levels_questions(tmp_path / "l.pkl", x, {"same": x}, replicates=10)
    row = found.row("Levels, class boundary")
    assert (row["ceiling_lower"], row["drawn"]) == (None, "trials")
    assert row["note"] == "no triplet was answered twice: it is not known what people reach"
    assert np.isnan(found.row("Levels, class boundary: entropy with people's entropy")["after"])


def test_judgments_and_pictures_meet_by_file_name():
    assert called(("a.JPG", "b", "c.png", "z"), ("x/a", "b", "y/b", "u/c", "v/c")) == {"a.JPG": "x/a", "b": "b"}
    trials = Triplets(items=np.array([[0, 1, 2], [3, 2, 1]]), objects=("a.jpg", "b.jpg", "c.jpg", "d.jpg"))
    kept = about(trials, ("f/c", "f/a", "f/b", "f/e"))
    assert [kept.objects[each] for each in kept.items[0]] == ["f/a", "f/b", "f/c"]
    assert len(kept) == 1
    assert about(trials, ("f/a", "f/b")) is None


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_corruptions_grow_with_severity_and_come_again(corruption):
    rng = np.random.default_rng(0)
    picture = np.kron(rng.integers(0, 256, size=(20, 30, 3)), np.ones((12, 12, 1))).astype(np.uint8)
    clean = corrupted(picture, "none").astype(float)
    assert min(clean.shape[:2]) == 224
    far = [np.abs(corrupted(picture, corruption, each, name="a") - clean).mean() for each in (1, 3, 5)]
    assert 0 < far[0] < far[1] < far[2]
    np.testing.assert_array_equal(corrupted(picture, corruption, 5, name="a"), corrupted(picture, corruption, 5, name="a"))
    other = corrupted(picture, corruption, 5, name="b")
    assert (corruption == "gaussian-noise") == bool((other != corrupted(picture, corruption, 5, name="a")).any())


def test_a_reader_of_fine_detail_suffers_from_blur_and_one_of_colours_does_not():
    rng = np.random.default_rng(1)
    arrays = []
    for row in range(40):  # classes differ in colour, and in the direction of fine stripes
        base = np.full((32, 32, 3), 120.0) + rng.normal(size=(32, 32, 3))
        base[:, :, row % 2] += 40
        stripes = 60 * (np.arange(32) % 2)
        arrays.append((base + (stripes[:, None, None] if row % 2 else stripes[None, :, None])).clip(0, 255).astype(np.uint8))
    pictures = Stimuli.from_arrays(arrays, [f"p{row}" for row in range(40)], layout="NHWC", metadata={"label": ["a", "b"] * 20})

    def fine(each):
        values = np.stack([[np.abs(np.diff(x.astype(float), axis=at)).mean() for at in (0, 1)] for x in each])
        return Features(values + 5 * rng.normal(size=values.shape), each.ids)

    def coarse(each):
        return Features(np.stack([x.mean(axis=(0, 1)) for x in each]), each.ids)

    def read(each):
        return fine(each), {"colour": coarse(each)}

    method = Robustness(corruptions=("blur",), severity=5)
    rows = method.compare(*read(pictures), pictures, read, Draws(replicates=100))
    assert [each["question"] for each in rows] == ["linear probe, blur 5"]
    assert rows[0]["before"] < 0.8 < 0.95 < rows[0]["after"]
    assert rows[0]["change"] == "better"
    few = Robustness(corruptions=("blur",), pictures=10)
    assert few.compare(*read(pictures), pictures, read, Draws(replicates=0))[0]["n"] == 10


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    """A whole small study with every question."""
    from isomorph.alignment import FittedTransform
    from isomorph.models import load_model

    folder, rng = tmp_path_factory.mktemp("study"), np.random.default_rng(0)
    ids = []
    for row in range(48):
        upper, lower = "xy"[row % 2], "12"[row // 2 % 2]
        pixels = (60 * (row % 2) + 90 * rng.random((40, 48, 3))).astype(np.uint8)
        path = folder / "photos" / upper / lower / f"n{row:08}_1.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
        ids.append(f"{upper}/{lower}/n{row:08}_1")
    more = folder / "more"
    for row, name in enumerate(("aardvark", "abacus", "accordion", "acorn", "air_conditioner")):
        (more / name).mkdir(parents=True)
        Image.fromarray((200 * rng.random((40, 40, 3))).astype(np.uint8)).save(more / name / f"{row}.png")
    (more / "copy").mkdir()
    for each in ids:
        (more / "copy" / f"{each.replace('/', '-')}.png").write_bytes((folder / "photos" / f"{each}.png").read_bytes())

    simulated_levels(folder / "levels.pkl", pictures=48, triplets=400, people=6)
    everything = Triplets(items=np.array([rng.choice(48, 3, replace=False) for _ in range(600)]), objects=tuple(ids))
    save_triplets(everything, folder / "trials.npz")
    stimuli = [{"name": f"{each.rpartition('/')[2]}.png"} for each in ids]
    upper = rng.random(48 * 47 // 2).tolist()
    arranged = {"tasks": [{"task": {"task_type": "multiarrange", "name": str(at)}, "rdm": upper, "stimuli": stimuli} for at in range(2)]}
    (folder / "arranged.json").write_text(json.dumps(arranged))
    lines = [f"{ids[one]},{ids[two]},{rng.random()}" for one in range(48) for two in range(one)]
    (folder / "rated.csv").write_text("\n".join(["first,second,rating", *lines]))
    things = rng.permutation(np.arange(5))[:3]
    (folder / "things.txt").write_text(f"{things[0]} {things[1]} {things[2]}\n0 1 4\n0 1 900\n")

    width = 1280
    transform = FittedTransform(
        weights=0.1 * np.eye(width), method="made up", seen=("air_conditioner",), layer="forward_head", model=NETWORK
    )
    transform.save(folder / "map.safetensors")
    assert load_model(NETWORK)
    (folder / "study.toml").write_text(
        f"""
pictures = ["photos"]
export = []
held_out = 0.5
teacher = {{model = "{NETWORK}", transform = "map.safetensors"}}
triplets = {{sampling = "random", train = 40, validation = 30}}
[student]
model = "{NETWORK}"
recipe = {{height_pixels = 32, width_pixels = 32, resize_pixels = 36}}
control = "beside"
training = {{steps = 2, batch_size = 4, warmup = 1, evaluate_every = 2, evaluation_batches = 1, checkpoint_every = 2, dimensions = 16}}
[evaluation]
pictures = ["more"]
triplets = {{some = "trials.npz"}}
levels = "levels.pkl"
levels_time = "rt"
things = true
things_trials = "things.txt"
arrangements = {{arranged = "arranged.json"}}
ratings = {{rated = {{file = "rated.csv", scale = "similarity"}}}}
shots = [1, 2]
shift = true
corruptions = ["blur"]
neighbours = [3]
replicates = 20
"""
    )
    return AlignetStudy.load(folder / "study.toml").run(Store(folder / "store")), ids


def test_a_study_asks_everything(answered):
    outcome, _ = answered
    found = outcome.check
    assert set(found.transforms) == {"alignet", "unalignet"}
    expected = {
        "neighbours kept @3", "one-shot logistic", "one-shot 1-NN", "few-shot logistic", "few-shot 1-NN", "anomaly one-vs-rest",
        "anomaly rest-vs-one", "linear probe", "superclass probe, met subclasses", "superclass probe, unmet subclasses",
        "agreement with the teacher", "linear probe, blur 3", "people (some)", "people (THINGS)",
        "people (arranged, RSA)", "people (rated, RSA)",
    }  # fmt: skip
    assert expected <= set(found.questions)
    assert sum(each.startswith("people (Levels, ") for each in found.questions) == 9
    assert set(outcome.answers.seen) == set(found.questions)


def test_every_row_of_a_study_says_what_was_seen(answered):
    found = answered[0].check
    said = {each: (found.row(each, "alignet")["seen"], found.row(each, "unalignet")["seen"]) for each in found.questions}
    assert said["people (THINGS)"] == ("judgments seen", "unseen")  # the map has seen one of the objects, the control knows no map
    for each in ("neighbours kept @3", "people (some)", "people (rated, RSA)", "agreement with the teacher", "linear probe, blur 3"):
        assert said[each] == ("unseen", "unseen")
    assert said["people (Levels, class boundary)"] == ("pictures seen in pretraining (ImageNet)",) * 2


def test_what_was_left_out_is_said(answered):
    outcome, _ = answered
    held_out = outcome.held_out.ids
    row = outcome.check.row("people (some)", "alignet")
    assert 0 < row["n"] < 600
    assert any(each.startswith(f"some: {row['n']:,} of 600 trials are about pictures that can be asked about") for each in outcome.notes)
    assert any("pictures of more are pictures that the student learnt from; they are left out." in each for each in outcome.notes)
    assert outcome.check.row("people (rated, RSA)", "alignet")["n"] == len(held_out) * (len(held_out) - 1) // 2
    assert outcome.check.row("people (arranged, RSA)", "alignet")["ceiling_upper"] == pytest.approx(1)
    assert "THINGS: 2 of 3 trials, about 5 of 1,854 objects." in outcome.notes
