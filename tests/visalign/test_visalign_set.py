"""A data set in VisAlign's layout: every category, read back, safe and repeatable."""

import json
import pickle

import numpy as np
import pytest
from PIL import Image

from isomorph.benchmarks._visalign_set import class_of
from isomorph.stimuli import CORRUPTIONS, corrupt
from isomorph.visalign import Pictures, SetPart, Training, build_set, open_set, read_configuration, read_labels, uncertain_picture

CLASSES = ("zebra", "tiger")


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Folders of small pictures: stripes for zebras, checks for tigers, noise for others."""
    root = tmp_path_factory.mktemp("sources")
    rng = np.random.default_rng(0)
    for name, count in (("zebra", 14), ("tiger", 14), ("other", 3), ("odd zebra", 2)):
        (root / name).mkdir()
        for at in range(count):
            pixels = rng.integers(0, 256, (48, 40, 3), dtype=np.uint8)
            pixels[:: 2 + at % 3] = 255 if "zebra" in name else 30
            Image.fromarray(pixels).save(root / name / f"{name}-{at}.png")
    return root


def small(root, **changes):
    options = {
        "classes": {name: Pictures(source=str(root / name)) for name in CLASSES},
        "train": 2,
        "validation": 2,
        "test": 10,
        "implausible": {"zebra": Pictures(source=str(root / "odd zebra"))},
        "abstain": {"4": Pictures(source=str(root / "other"), most=2)},
        "corruptions": ("gaussian_noise", "crop"),
        "uncertain": None,
    }
    return SetPart(**(options | changes))


@pytest.fixture(scope="module")
def built(sources, tmp_path_factory):
    return build_set(small(sources), tmp_path_factory.mktemp("built") / "set")


def test_every_category_is_where_upstreams_code_looks(built):
    root = built.folder
    lines = (root / "open_test_set" / "filenames" / "category1.txt").read_text().splitlines()
    assert lines[:2] == ["category1/zebra11.jpg", "category1/zebra12.jpg"]
    assert len(lines) == 20
    assert (root / "open_test_set" / "label" / "category1.txt").read_text().splitlines() == lines
    learnt = (root / "train_split_filenames" / "final_train" / "tiger.txt").read_text()
    assert learnt.startswith("imagenet21k/tiger_train00000_")
    assert learnt.endswith(".jpg\n")
    counts = built.test.metadata["category"].value_counts().to_dict()
    assert counts == {"1": 20, "2": 2, "4": 2, "8": 40}
    assert sorted(built.missing) == ["3", "5", "6", "7"]
    assert "[set.attack]" in built.missing["3"]


def test_gold_labels_are_one_hot_but_where_pictures_are_uncertain(built):
    people = built.gold
    hot = people.probabilities.max(axis=1) == 1
    groups = np.array(people.groups)
    assert hot[groups != "8"].all()
    assert {people.truth[at] for at in np.flatnonzero(groups == "4")} == {"abstain"}
    at = next(row for row, name in enumerate(people.ids) if name.endswith("-tiger-gaussian_noise-3.jpg"))
    assert people.probabilities[at].tolist() == pytest.approx([0, 0.7, 0.3])
    assert "Nobody labelled" in built.notes[0]


def test_each_severity_shows_another_picture(built):
    names = [each for each in built.test.ids if "-zebra-gaussian_noise-" in each]
    assert len({each.split("-")[0] for each in names}) == 10
    crops = sorted(int(each.rpartition("-")[2].removesuffix(".jpg")) for each in built.test.ids if "-zebra-crop-" in each)
    assert crops == sorted(int(each[0]) for each in CORRUPTIONS["crop"].parameters)


def test_splits_share_no_picture(built, sources):
    stems = [{name.split("_", 2)[2] for name in getattr(built, split).ids} for split in ("training", "validation")]
    tested = {each.split("-")[0] for each in built.test.ids if "-gaussian_noise-" in each}
    tested = {f"{each}.jpg" for each in tested}
    assert not stems[0] & stems[1]
    assert not (stems[0] | stems[1]) & tested
    assert len(tested) == 20


def test_an_uncertain_picture_is_squeezed_then_corrupted():
    pixels = np.random.default_rng(1).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    squeezed = np.asarray(Image.fromarray(pixels).resize((256, 256), Image.Resampling.BICUBIC))
    assert (uncertain_picture(pixels, "fog", 4, seed=7) == corrupt(squeezed, "fog", 4, seed=7)).all()
    assert (uncertain_picture(pixels, "crop", 4, seed=7) == corrupt(pixels, "crop", 4)).all()


def test_the_same_sources_and_seed_give_the_same_bytes(built, sources, tmp_path):
    again = build_set(small(sources), tmp_path / "again")
    assert again.test.digest == built.test.digest
    assert build_set(small(sources, seed=5), tmp_path / "other").test.digest != built.test.digest


def test_building_again_only_reads(built, sources):
    before = {each: each.stat().st_mtime_ns for each in built.folder.rglob("*") if each.is_file()}
    build_set(small(sources), built.folder)
    assert {each: each.stat().st_mtime_ns for each in built.folder.rglob("*") if each.is_file()} == before


def test_fgsm_pictures_survive_on_disk(sources, tmp_path):
    from isomorph.models import load_model
    from isomorph.visalign import AttackPart

    attack = AttackPart(models=("visalign/mlp_small.random-1",), epsilons=(0.2, 0.5))
    data = build_set(small(sources, attack=attack, corruptions=()), tmp_path / "set")
    rows = [at for at, each in enumerate(data.test.metadata["category"]) if each == "3"]
    assert rows
    assert all(data.test.ids[at].endswith(("-mlp_small-200.png", "-mlp_small-500.png")) for at in rows)
    assert all(data.test.labels[at] in CLASSES for at in rows)
    model = load_model(attack.models[0], recipe={"resize_pixels": 64})
    shown = model.forward(model.prepare([data.test[at] for at in rows])).argmax(1)
    assert len(shown) == len(rows)


def test_labels_are_read_from_a_pickle_and_from_votes(built, tmp_path):
    outcomes = (*CLASSES, "abstain")
    table = dict(zip(built.test.ids, built.gold.probabilities, strict=True))
    (tmp_path / "labels.pk").write_bytes(pickle.dumps(table))
    data = open_set(built.folder, labels=tmp_path / "labels.pk")
    assert (data.gold.probabilities == built.gold.probabilities).all()
    (tmp_path / "votes.json").write_text(json.dumps({"a": [3, 0, 1], "b": [1, 1, 2], "c": None}))
    votes = read_labels(tmp_path / "votes.json", outcomes)
    assert votes.counts.tolist() == [[3, 0, 1], [1, 1, 2], [0, 0, 1]]
    assert votes.probabilities[0].tolist() == [0.75, 0, 0.25]


def test_votes_become_the_labels_of_category_8(built, sources, tmp_path):
    names = [each for each in built.test.ids if each.count("-") == 3]
    (tmp_path / "votes.json").write_text(json.dumps({each: [1, 2, 7] for each in names}))
    data = build_set(small(sources, votes=tmp_path / "votes.json"), tmp_path / "set")
    assert data.notes == ()
    assert data.gold.take(names).probabilities == pytest.approx(np.tile([0.1, 0.2, 0.7], (len(names), 1)))


def test_a_test_set_alone_has_visaligns_classes(tmp_path):
    root = tmp_path / "open_test_set"
    (root / "filenames").mkdir(parents=True)
    (root / "one").mkdir()
    Image.new("RGB", (20, 20)).save(root / "one" / "zebra11.jpg")
    (root / "filenames" / "category1.txt").write_text("one/zebra11.jpg\n")
    data = open_set(tmp_path)
    assert data.classes[:2] == ("tiger", "zebra")
    assert data.training is None
    assert data.people is None
    assert class_of("zebra, on a skateboard.png", "2", data.classes) == "zebra"


def test_the_configuration_is_upstreams(built):
    yaml = pytest.importorskip("yaml", reason="a reader of YAML")
    config = yaml.safe_load((built.folder / "config" / "imagenet.yaml").read_text())
    assert set(config) == {"trainer", "dataset", "model", "mlp"}
    assert config["trainer"]["lr"] == 1e-5
    assert (config["model"]["num_classes"], config["mlp"]["expansion_factor"]) == (2, 10)
    assert read_configuration(built.folder / "config" / "imagenet.yaml") == Training()
    assert set(config["dataset"]["train"]) == {"label_path", "imagenet21k_path"}
