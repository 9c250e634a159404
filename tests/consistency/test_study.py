"""A consistency study from one TOML file: what it accepts, what it does, and that it does nothing twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from isomorph.consistency import ModelSet, Study
from isomorph.consistency._parse_measure import parse_measure
from isomorph.consistency._study_probe import stratified_folds
from isomorph.consistency._study_run import feature_units, unlearnable
from isomorph.consistency._study_similarity import unit_length
from isomorph.consistency._study_units import stored_features
from isomorph.errors import FileError, InputError, IsomorphError, ShapeError
from isomorph.measures import load_measure
from isomorph.models import load_model
from isomorph.stimuli import Stimuli
from isomorph.store import Store

MODELS = (
    "timm/test_resnet.random-0",
    "timm/test_resnet.random-1",
    "timm/test_vit.random-0",
    "timm/test_efficientnet.random-0",
    "bundled/pixels",
)
QUICK = {"replicates": 20, "permutations": 19, "minimum_pairs": 3}


def pictures(folder: Path, *, seed: int) -> Path:
    """Ten noisy pictures of two kinds."""
    rng = np.random.default_rng(seed)
    for kind, level in (("dark", 60), ("light", 180)):
        (folder / kind).mkdir(parents=True)
        for number in range(5):
            noise = np.clip(rng.normal(level, 40, (24, 24, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(noise).save(folder / kind / f"{number}.png")
    return folder


def frames(folder: Path) -> Path:
    """Six grey pictures that differ in a frame near their border only."""
    folder.mkdir()
    for number, colour in enumerate(np.random.default_rng(0).integers(0, 255, (6, 4, 3), dtype=np.uint8)):
        picture = np.full((100, 100, 3), 128, dtype=np.uint8)
        for turn, side in enumerate(colour):
            np.rot90(picture, turn)[3:5, 3:97] = side
        Image.fromarray(picture).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def datasets(tmp_path):
    return tuple(str(pictures(tmp_path / name, seed=seed)) for seed, name in enumerate(("meadows", "towns", "seas")))


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def test_a_study_goes_from_pictures_to_consistency_and_does_nothing_twice(datasets, store):
    study = Study(name="small", models=MODELS, datasets=datasets, measures=("cka", "rsa comparison=spearman"), **QUICK)
    outcome = study.run(store)
    s = outcome.similarities
    assert (s.datasets, s.models, s.measures) == (("meadows", "towns", "seas"), MODELS, ("cka", "rsa comparison=spearman"))
    assert s.n == (10, 10, 10)
    assert s.table.loc["bundled/pixels", "training"] == "untrained"
    assert s.performance.shape == (3, 5)
    assert (s.performance[:, -1] > 0.8).all()  # dark and light differ in their pixels
    row = outcome.results["training"].summary.query("measure == 'cka' and set_a == 'all models'").iloc[0]
    assert row["dataset_pairs"] == 3
    assert row["low"] <= row["median"] <= row["high"]

    before = {path: path.stat().st_mtime_ns for path in store.path.rglob("*") if path.is_file()}
    again = study.run(store)
    assert {path: path.stat().st_mtime_ns for path in store.path.rglob("*") if path.is_file()} == before
    np.testing.assert_array_equal(again.similarities.values, s.values)
    assert all(row["finished"] for row in study.plan(store))


def test_similarities_are_those_of_the_measures_on_unit_rows(datasets, store):
    study = Study(name="small", models=MODELS[:3], datasets=datasets[:2], measures=("cka",), probe="none", by=(), **QUICK)
    similarities = study.run(store).similarities
    stimuli, _ = study.stimuli()
    rows = [stored_features(store, feature_units(study, load_model(name), stimuli)[0].fingerprint).values for name in MODELS[:3]]
    rows = [each / np.linalg.norm(each.astype(np.float64), axis=1, keepdims=True) for each in rows]
    for a in range(3):
        for b in range(3):
            assert similarities.values[0, 0, a, b] == pytest.approx(load_measure("cka")(rows[a], rows[b]), abs=1e-5)


def test_a_model_that_fails_on_one_data_set_stops_the_study_or_is_missing_there(tmp_path, datasets, store):
    blind = "bundled/mobilenet_v2.random-0"  # crops more of the border than the others: it alone cannot tell these pictures apart
    options = {"name": "small", "models": (*MODELS[:4], blind), "datasets": (*datasets[:2], str(frames(tmp_path / "frames")))}
    options |= {"measures": ("cka",), "probe": "none", **QUICK}
    with pytest.raises(ShapeError, match=r"mobilenet_v2\.random-0 on frames: the layer .* is the same for all 6 stimuli"):
        Study(**options).run(store)
    outcome = Study(**options, on_error="skip").run(store)
    assert np.isnan(outcome.similarities.values[2, 0, -1]).all()
    assert np.isfinite(outcome.similarities.values[:2]).all()
    assert [note for note in outcome.notes if note.startswith(f"{blind} is missing on frames: ")]


def test_a_large_data_set_is_cut_to_a_balanced_subset_and_says_so(datasets, store):
    study = Study(name="small", models=MODELS[:3], datasets=datasets[:2], largest=8, measures=("cka",), probe="none", by=(), **QUICK)
    stimuli, notes = study.stimuli()
    assert [len(each) for each in stimuli.values()] == [8, 8]
    assert stimuli["towns"].labels.count("dark") == 4
    assert len(notes) == 2
    assert notes[0].startswith("meadows: 8 of 10 stimuli")
    alone = Study(name="other", models=MODELS[:3], datasets=datasets[1:], largest=8).stimuli()[0]
    assert alone["towns"].ids == stimuli["towns"].ids  # one data set never changes another


def test_toml(tmp_path):
    path = tmp_path / "mine.toml"
    pictures(tmp_path / "towns", seed=0)
    path.write_text(
        'models = ["bundled/*"]\ndatasets = ["towns", "edges"]\nby = ["objective"]\n'
        '[[sets]]\nname = "trained"\nexclude = {training = "untrained"}\n[layers]\n"bundled/pixels" = "pixels"\n'
    )
    study = Study.load(path)
    assert study.name == "mine"
    assert study.datasets == (str(tmp_path / "towns"), "edges")
    assert study.sets == (ModelSet("trained", exclude={"training": "untrained"}),)
    assert study.report == tmp_path / "consistency"
    assert "bundled/minilm_l6_v2" not in study.model_names()  # it reads texts


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"datasets": ("edges",)}, "consistency is between data sets, and the study 's' has 1; give two or more."),
        ({"models": ()}, "the study 's' names no models."),
        ({"measures": ()}, "the study 's' names no measures."),
        ({"largest": 3}, "the study 's' cuts data sets to 3 stimuli; the measures need at least 4."),
    ],
)
def test_what_a_study_refuses(options, sentence):
    with pytest.raises(InputError) as caught:
        Study(**({"name": "s", "models": ("bundled/pixels",), "datasets": ("edges", "silhouettes")} | options))
    assert str(caught.value) == sentence


def test_what_running_a_study_refuses(datasets, tmp_path):
    with pytest.raises(InputError, match="relations between models need at least three models; the study 's' has 1"):
        Study(name="s", models=("bundled/pixels",), datasets=datasets).model_names()
    with pytest.raises(InputError, match="the study 's' asks for the models 'nobody/\\*', and none match"):
        Study(name="s", models=("nobody/*",), datasets=datasets).model_names()
    with pytest.raises(InputError, match="the study 's' has two data sets called 'towns'; rename a folder"):
        Study(name="s", models=MODELS, datasets=(datasets[1], str(pictures(tmp_path / "more" / "towns", seed=1)))).stimuli()
    with pytest.raises(FileError, match=r"the study .*nowhere\.toml cannot be read"):
        Study.load(tmp_path / "nowhere.toml")
    (tmp_path / "bad.toml").write_text("models = [")
    with pytest.raises(FileError, match=r"bad\.toml is not TOML"):
        Study.load(tmp_path / "bad.toml")
    with pytest.raises(InputError, match="the measure 'rsa spearman' has the option 'spearman'; options read name=value"):
        parse_measure("rsa spearman")


def test_measures_by_text():
    assert parse_measure("rbf-cka sigma=0.4 sigma_unit=absolute") == load_measure("rbf-cka", sigma=0.4, sigma_unit="absolute")


def test_folds_hold_every_class_out_evenly():
    labels = np.array(["a"] * 7 + ["b"] * 11)
    fold = stratified_folds(labels, 5, seed=0)
    for each in ("a", "b"):
        counts = np.bincount(fold[labels == each], minlength=5)
        assert counts.max() - counts.min() <= 1
    assert (stratified_folds(labels, 5, seed=1) != fold).any()


def test_labels_that_cannot_be_cross_validated_are_not_learned():
    noise = np.zeros((6, 8, 8, 3), dtype=np.uint8)
    assert unlearnable(Stimuli.from_arrays(noise)) == "its stimuli have no labels"
    assert unlearnable(Stimuli.from_arrays(noise, metadata={"label": list("aaaaab")})) == "the label 'b' stands 1 time, and a probe needs 5"
    assert unlearnable(Stimuli.from_arrays(noise, metadata={"label": list("aaaaaa")})) == "its stimuli all have one label"


def test_unit_length(tmp_path):
    model = load_model("bundled/pixels")
    noise = np.random.default_rng(0).integers(1, 255, (4, 16, 16, 3), dtype=np.uint8)
    rows = isomorph_features(model, noise)
    np.testing.assert_allclose(np.linalg.norm(unit_length(rows).values, axis=1), 1, rtol=1e-6)
    mapped = unit_length(rows, file=tmp_path / "rows.npy")
    assert not mapped.values.flags.owndata
    assert not mapped.values.flags.writeable
    np.testing.assert_array_equal(mapped.values, unit_length(rows).values)


def isomorph_features(model, noise):
    from isomorph.models import extract

    return extract(model, Stimuli.from_arrays(noise))["pixels"]


class TestWhatIsCheckedBeforeAnyModelRuns:
    """Each mistake is found at once, with the names of the study and of the option; the store stays empty."""

    def refused(self, store, datasets, **options):
        study = Study(name="s", models=MODELS, datasets=datasets, **({"measures": ("cka",)} | QUICK | options))
        with pytest.raises(IsomorphError) as caught:
            study.run(store)
        assert not list(store.entries())
        return str(caught.value)

    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            ({"measures": ("cka", "ckaa")}, "the study 's', measures: no measure is called 'ckaa'. Did you mean 'cka' or 'cknna'?"),
            ({"measures": ("cka foo=1",)}, "the study 's', measures: cka: no option is called 'foo'. There are: debiased, estimator."),
            (
                {"measures": ("linear-predictivity",)},
                "the study 's', measures: 'linear-predictivity' is not symmetric, so that a pair of models has no one similarity. Take a "
                "symmetric measure.",
            ),
            ({"measures": ("mutual-knn",)}, "the study 's', measures: 'mutual-knn' needs at least 12 stimuli; 'meadows' has 10."),
            ({"by": ("objectiv",)}, "the study 's', by: no metadata column is called 'objectiv'. Did you mean 'objective'?"),
            (
                {"sets": (ModelSet("x", include={"sorce": "timm"}),)},
                "the study 's', sets: the set 'x': no metadata column is called 'sorce'. Did you mean 'source'?",
            ),
            (
                {"sets": (ModelSet("x", include={"source": "tim"}),)},
                "the study 's', sets: no model of 5 is in the set 'x': include {'source': 'tim'}. Check the patterns.",
            ),
            (
                {"sets": (ModelSet("x"), ModelSet("x", include={"source": "timm"}))},
                "the study 's', sets: two are called 'x'; their numbers could not be told apart.",
            ),
            ({"layers": {"vgg*": "x"}}, "the study 's', layers: no model matches 'vgg*'; the first is 'timm/test_resnet.random-0'."),
            ({"domains": {"meadow": "x"}}, "the study 's', domains: no data set is called 'meadow'. Did you mean 'meadows'?"),
            ({"resample": "both"}, "resampling data sets needs at least 3 of them; there are 2. Use resample='models'."),
            (
                {"anchors": ("vgg",)},
                "the study 's', anchors: no model of the study is called 'vgg'. There are: bundled/pixels, "
                "timm/test_efficientnet.random-0, timm/test_resnet.random-0, timm/test_resnet.random-1, timm/test_vit.random-0.",
            ),
            (
                {"anchors": ("bundled/*",), "by": ()},
                "the study 's', anchors: each is seen against the categories of a column, and by is empty.",
            ),
        ],
    )
    def test_options(self, options, sentence, datasets, store):
        assert self.refused(store, datasets[:2] if "resample" in options else datasets, **options) == sentence

    def test_too_few_models_for_the_minimum_of_pairs(self, datasets, store):
        said = self.refused(store, datasets, minimum_pairs=11)
        assert said.startswith(
            "the study 's', by: no pair of sets has 11 pairs of models: 'untrained' with 'untrained' was skipped: 5 and 5 "
        )

    def test_an_amount_of_memory_and_a_folder(self, datasets, store):
        assert self.refused(store, datasets, memory_limit="lots").startswith("the study 's', memory_limit: ")
        said = self.refused(store, (*datasets, "townz"))
        assert said.startswith("the study 's', datasets: no stimulus set is called 'townz'. ")
        assert said.endswith(" Nor is there such a folder beside the study's file.")

    def test_a_table_of_other_models(self, datasets, store, tmp_path):
        table = tmp_path / "models.csv"
        assert "there is no file" in self.refused(store, datasets, metadata=table)
        table.write_text("model,kind\nvgg,a\n")
        assert self.refused(store, datasets, metadata=table) == (
            f"the study 's', metadata: {table} has no row for any of the 5 models; it begins with 'vgg', the models with "
            "'timm/test_resnet.random-0'. Names must be equal on both sides."
        )


def test_anchors_are_followed_one_by_one(datasets, store):
    study = Study(name="s", models=MODELS, datasets=datasets, measures=("cka",), probe="none", anchors=("bundled/*",), **QUICK)
    results = study.run(store).results
    row = results["anchors"].summary.iloc[0]
    assert (row["set_a"], row["set_b"], row["model_pairs"]) == ("bundled/pixels", "untrained", 4)


def test_a_plan_leaves_out_what_the_study_would(datasets, store):
    options = {"name": "s", "models": (*MODELS, "timm/nonsense.random-0"), "datasets": datasets, "measures": ("cka",), **QUICK}
    assert {row["model"] for row in Study(**options, on_error="skip").plan(store)} == set(MODELS)
    with pytest.raises(InputError, match=r"no model is called 'timm/nonsense\.random-0'"):
        list(Study(**options).plan(store))
