"""Models on the 92 photographs: the published numbers, the table, and that a repeated evaluation does nothing."""

import importlib.metadata
from dataclasses import replace

import numpy as np
import pytest
import torch

import isomorph as iso
from isomorph.benchmarks import GeometryMatch, Target
from isomorph.errors import FetchError, InputError, MissingDependencyError, NonFiniteError
from isomorph.results import Catalogue, models_on
from isomorph.store import Store

QUICK = {"replicates": 20, "permutations": 20}


@pytest.fixture(scope="module")
def pictures():
    try:
        return iso.load_benchmark("kriegeskorte-92")
    except FetchError as error:
        pytest.skip(f"the 92 photographs are not at hand: {error}")


@pytest.fixture(scope="module")
def published(pictures):
    """The 92 photographs against one RDM: the published one of human IT, the mean over people and sessions."""
    human = pictures.targets[0]
    mean = Target(name="published human IT", kind="brain", rdms=human.mean[None, None], subjects=("mean",))
    return replace(pictures, name="published-92", targets=(mean,))


@pytest.fixture(scope="module")
def small():
    """Ten noises and three people who see them as pixels do."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, size=(10, 32, 32, 3), dtype=np.uint8)
    stimuli = iso.Stimuli.from_arrays(images, ids=[f"i{k}" for k in range(10)])
    people = rng.random((3, 1, 45))
    target = Target(name="people", kind="behaviour", rdms=people, subjects=("a", "b", "c"))
    return GeometryMatch(name="small", stimuli=stimuli, targets=(target,))


def test_pixels_match_human_it_as_published(published, tmp_path):
    results = iso.evaluate("bundled/pixels", published, store=tmp_path, **QUICK)
    assert results.best("published-92")["value"].item() == pytest.approx(0.104, abs=2e-3)


def test_efficientnet_peaks_late_as_published(published, tmp_path):
    try:
        model = iso.load_model("bundled/efficientnet_lite0.imagenet1k")
    except MissingDependencyError as error:
        pytest.skip(str(error))
    pixels = iso.load_model("bundled/pixels").recipe  # 224 pixels, bicubic, ImageNet's mean and deviation
    model = model.with_recipe(resize="squash", maximum=pixels.maximum, mean=pixels.mean, std=pixels.std)
    results = iso.evaluate(model, published, store=tmp_path, layers=["blocks.0.0", "blocks.5.2"], **QUICK)
    first, thirteenth = results.table["value"]
    assert thirteenth == pytest.approx(0.4438, abs=1e-3)
    assert thirteenth > first + 0.2
    assert results.table["depth"].iloc[1] > 0.6


def test_every_row_says_where_it_comes_from(small, tmp_path):
    table = iso.evaluate("bundled/pixels", small, store=tmp_path, **QUICK).table
    row = table.iloc[0]
    assert (row["model"], row["benchmark"], row["target"], row["measure"]) == ("bundled/pixels", "small", "people", "rsa-pearson")
    assert (row["n"], row["subjects"], row["seed"], row["replicates"]) == (10, 3, 0, 20)
    assert row["reduction"] == "exact"
    assert not row["seen"]
    assert row["low"] <= row["value"] <= row["high"]
    assert row["stimuli_fingerprint"] == small.stimuli.digest
    assert row["extraction_fingerprint"] in Store(tmp_path)
    assert table["best_on_same_data"].sum() == 1


def test_a_repeated_evaluation_only_reads(small, tmp_path, monkeypatch):
    first = iso.evaluate("bundled/pixels", small, store=tmp_path, **QUICK)
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "objects").rglob("*") if path.is_file()}
    model = iso.load_model("bundled/pixels")
    monkeypatch.setattr(type(model.module), "forward", None)  # a forward pass would now fail
    again = iso.evaluate(model, small, store=tmp_path, **QUICK)
    assert again.table.equals(first.table)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "objects").rglob("*") if path.is_file()} == files


@pytest.mark.parametrize("change", [{"seed": 1}, {"replicates": 21}, {"permutations": 0}, {"resample": "subjects"}])
def test_other_options_are_another_fragment(small, tmp_path, change):
    iso.evaluate("bundled/pixels", small, store=tmp_path, **QUICK)
    iso.evaluate("bundled/pixels", small, store=tmp_path, **(QUICK | change))
    assert len(Catalogue(Store(tmp_path)).find(benchmark="small")) == 2


def test_another_torch_is_another_fragment(small, tmp_path, monkeypatch):
    iso.evaluate("bundled/pixels", small, store=tmp_path, **QUICK)
    real = importlib.metadata.version
    monkeypatch.setattr("importlib.metadata.version", lambda name: "0.1" if name == "torch" else real(name))
    table = iso.evaluate("bundled/pixels", small, store=tmp_path, **QUICK).table
    assert set(table["torch_version"]) == {"0.1"}
    assert len(Catalogue(Store(tmp_path)).find(benchmark="small")) == 2


def test_the_catalogue_is_only_an_index(small, tmp_path):
    iso.evaluate("bundled/pixels", small, store=tmp_path, **QUICK)
    catalogue = Catalogue(Store(tmp_path))
    found = catalogue.find(model="bundled/*")
    assert len(found) == 1
    assert catalogue.find(model="timm/*") == []
    catalogue.path.unlink()
    assert catalogue.find() == []
    assert catalogue.rebuild() == 1
    assert catalogue.find() == found


def test_no_permutations_no_p(small, tmp_path):
    table = iso.evaluate("bundled/pixels", small, store=tmp_path, replicates=20, permutations=0).table
    assert table["p"].isna().all()
    assert table["p_corrected"].isna().all()


def test_a_model_without_a_benchmark_and_a_benchmark_without_a_model(small, tmp_path):
    words = GeometryMatch(
        name="words",
        stimuli=iso.Stimuli.from_texts([f"w{k}" for k in range(10)]),
        targets=small.targets,
    )
    with pytest.raises(InputError, match="takes image stimuli, but none of the benchmarks"):
        iso.evaluate("bundled/pixels", words, store=tmp_path)
    with pytest.raises(InputError, match="words shows text stimuli, but none of the models takes them"):
        iso.evaluate("bundled/pixels", [small, words], store=tmp_path, **QUICK)
    with pytest.raises(InputError, match="asked for 2 times"):
        iso.evaluate("bundled/pixels", [small, small], store=tmp_path)


def test_the_results_hold_what_a_report_needs(small, tmp_path):
    results = iso.evaluate("bundled/pixels", small, store=tmp_path, **QUICK)
    record = results.benchmark("small")
    assert record.stimuli.thumbnails[0].startswith("data:image/jpeg;base64,")
    assert record.targets[0].mean.shape == (45,)
    assert results.geometry[0].rdm.shape == (45,)
    assert results.second_order("small").names == ("people", "bundled/pixels")
    assert results.methods["models"]["bundled/pixels"]["name"] == "bundled/pixels"
    assert any("same data" in note for note in results.methods["notes"])
    loaded = iso.Results.load(results.save(tmp_path / "saved"))
    assert loaded.table.equals(results.table)


def wrapped(module, name="mine"):
    return iso.wrap_model(module, name=name, preprocess=lambda image: torch.from_numpy(image[::4, ::4] / 255).float().permute(2, 0, 1))


def net(seed):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten())


def test_what_cannot_go_well_is_said_before_the_first_model_runs(small, tmp_path):
    for models, told in (
        ([wrapped(net(0)), wrapped(net(1))], "2 models are called 'user/mine'"),
        (["bundled/pixels", "bundled/pixels"], "2 models are called 'bundled/pixels'"),
        ([wrapped(net(0)), "bundled/pixel"], "Did you mean 'bundled/pixels'"),
        ([], "there is no model"),
    ):
        with pytest.raises(InputError, match=told):
            iso.evaluate(models, small, store=tmp_path, **QUICK)
    for wrong in ("replicates", "permutations", "seed"):
        with pytest.raises(InputError, match=f"{wrong} must be 0 or more; got -1"):
            iso.evaluate("bundled/pixels", small, store=tmp_path, **(QUICK | {wrong: -1}))
    assert not list(Store(tmp_path).entries())


def test_a_model_that_fails_takes_nothing_with_it(small, tmp_path):
    class Broken(torch.nn.Module):
        def forward(self, x):
            return x.flatten(1) * float("nan")

    good = wrapped(net(0))
    with pytest.raises(NonFiniteError, match="user/broken"):
        iso.evaluate([good, wrapped(Broken(), "broken")], small, store=tmp_path, **QUICK)
    assert len(Catalogue(Store(tmp_path)).find(model="user/mine")) == 1


def test_what_a_kill_kept_out_of_the_catalogue_is_in_it_after_the_next_run(small, tmp_path):
    iso.evaluate("bundled/pixels", small, store=tmp_path, **QUICK)
    Catalogue(Store(tmp_path)).path.unlink()
    iso.evaluate("bundled/pixels", small, store=tmp_path, **QUICK)
    assert len(Catalogue(Store(tmp_path)).find()) == 1


def test_a_layer_whose_distances_differ_by_rounding_alone_is_left_out(small, tmp_path):
    class Lame(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.copies, self.rising, self.fine = torch.nn.Identity(), torch.nn.Identity(), torch.nn.Flatten()

        def forward(self, x):
            bright = x.mean(dim=(1, 2, 3))[:, None]
            self.copies(bright * torch.linspace(1, 3, 40).sin())
            self.rising(torch.cat([bright + 1, 5 - bright], dim=1))
            return self.fine(1 + 1e-3 * x)

    results = iso.evaluate(wrapped(Lame()), small, store=tmp_path, layers=["copies", "rising", "fine"], **QUICK)
    assert set(results.table["layer"]) == {"fine"}
    assert sum("but for rounding" in note for note in results.methods["notes"]) == 2


def test_chosen_layers_come_back_from_a_folder_as_they_were(small, tmp_path):
    results = iso.evaluate(wrapped(net(0)), small, store=tmp_path, layers=("0", -1), **QUICK)
    assert iso.Results.load(results.save(tmp_path / "saved")).methods == results.methods


def test_models_can_be_each_others_targets(small, tmp_path):
    models = [iso.load_model("bundled/pixels"), wrapped(net(0))]
    question = models_on(small.stimuli, models, name="photographs", store=Store(tmp_path))
    results = iso.evaluate(models, question, store=tmp_path, **QUICK)
    pairs = set(zip(results.table["model"], results.table["target"], strict=True))
    assert pairs == {(one.name, two.name) for one in models for two in models if one is not two}
    order = results.second_order("photographs")
    assert set(order.names) == {each.name for each in models}
