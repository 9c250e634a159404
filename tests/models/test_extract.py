"""Extraction: the numbers, the modes, the store, precision, texts."""

from __future__ import annotations

import weakref

import numpy as np
import pytest
import torch
from torch import nn

from isomorph.engine import Progress
from isomorph.errors import InputError
from isomorph.features import Features
from isomorph.geometry import Gram, GramAccumulator
from isomorph.models import extract, wrap_model
from isomorph.stimuli import Stimuli
from isomorph.store import Store

N = 23


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.act = nn.Conv2d(6, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(inplace=True)

    def forward(self, x):
        return x + self.act(self.norm(self.conv(x)))


@pytest.fixture
def model():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 6, 3), Block(), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(600, 10))
    return wrap_model(net, name="net", preprocess=lambda image: torch.from_numpy(image).permute(2, 0, 1).float() / 255)


@pytest.fixture(scope="module")
def stimuli():
    pixels = np.random.default_rng(0).integers(0, 255, (N, 12, 12, 3), dtype=np.uint8)
    return Stimuli.from_arrays(pixels, ids=[f"picture {index}" for index in range(N)])


def by_hand(model, stimuli):
    """Layer by layer, without hooks."""
    conv, block, _, _, linear = model.module
    with torch.no_grad():
        x = conv(model.prepare(list(stimuli)))
        inner = block.conv(x)
        norm = block.norm(inner)
        act = norm.relu()
        out = x + act
        layers = {"0": x, "1.conv": inner, "1.norm": norm, "1.act": act, "1": out, "2": out.relu(), "4": linear(out.relu().flatten(1))}
    return {name: value.flatten(1).numpy() for name, value in layers.items()}


def test_every_layer_is_what_the_module_returned_before_in_place_operations(model, stimuli):
    extraction = extract(model, stimuli)
    expected = by_hand(model, stimuli)
    assert list(extraction) == list(expected)
    for name, values in expected.items():
        assert extraction[name].ids == stimuli.ids
        assert (extraction[name].layer, extraction[name].subject) == (name, "user/net")
        np.testing.assert_allclose(extraction[name].values, values, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 4, N, 100])
@pytest.mark.parametrize("reduce", ["features", "gram", "sketch"])
def test_the_batch_size_changes_no_more_than_rounding(model, stimuli, reduce, batch_size):
    options = {"reduce": reduce} | ({"sketch_width": 50} if reduce == "sketch" else {})
    usual, other = (extract(model, stimuli, batch_size=size, **options) for size in (None, batch_size))
    for name in usual:
        one, two = ((each[name].values if reduce != "gram" else each[name].raw()) for each in (usual, other))
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-5 * np.abs(one).max())


def test_some_layers_are_the_same_layers_of_all(model, stimuli):
    every, some = extract(model, stimuli, batch_size=5), extract(model, stimuli, layers=["1.*", -1], batch_size=5)
    assert list(some) == ["1.conv", "1.norm", "1.act", "4"]
    for name, features in some.items():
        assert np.array_equal(features.values, every[name].values)


@pytest.mark.parametrize(
    ("limit", "batch_size", "mode"), [("2GB", None, "one batch"), ("2GB", 5, "memory"), ("1.02MB", 5, "store"), ("1.2MB", 5, "store")]
)
def test_gram_matrices_are_those_of_the_features_in_every_mode(model, stimuli, limit, batch_size, mode):
    extraction = extract(model, stimuli, reduce="gram", memory_limit=limit, batch_size=batch_size)
    assert extraction.provenance["mode"] == mode
    plan = extract(model, stimuli, reduce="gram", memory_limit=limit, batch_size=batch_size, dry_run=True)
    assert {name: each.source for name, each in plan.clamped.items()} == ({} if mode == "one batch" else {"1.act": "1.norm", "2": "1"})
    for name, values in by_hand(model, stimuli).items():
        exact, gram = Gram.from_features(values), extraction[name]
        assert isinstance(gram, Gram)
        assert gram.width == values.shape[1]
        np.testing.assert_allclose(gram.centred, exact.centred, rtol=0, atol=3e-6 * exact.centred.max())
        np.testing.assert_allclose(gram.raw(), exact.raw(), rtol=0, atol=3e-6 * exact.raw().max())
        np.testing.assert_allclose(gram.row_sums, exact.row_sums, rtol=1e-4, atol=1e-3)


def test_a_large_constant_costs_no_digits():
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(40, 9000)) + 3000 * rng.normal(size=9000)).astype(np.float32)
    sums = GramAccumulator(40)
    for start in range(0, 9000, 2500):
        sums.add(x[:, start : start + 2500])
    gram, exact = sums.gram(ids=[str(i) for i in range(40)]), Gram.from_features(x)
    np.testing.assert_allclose(gram.centred, exact.centred, rtol=0, atol=2e-6 * exact.centred.max())
    np.testing.assert_allclose(gram.raw(), exact.raw(), rtol=2e-6)
    assert gram.width == 9000


def test_sketches_are_narrow_where_the_layer_is_wide(model, stimuli):
    extraction = extract(model, stimuli, reduce="sketch", sketch_width=50, seed=3)
    assert {features.width for features in extraction.values()} == {50, 10}
    assert extraction["0"].provenance["reduction"] == "sketch(50)"
    assert extraction["4"].provenance["reduction"] == "exact"
    again = extract(model, stimuli, reduce="sketch", sketch_width=50, seed=4)
    assert not np.allclose(extraction["0"].values, again["0"].values)


def test_the_pass_ends_after_the_last_wanted_layer(model, stimuli):
    late = []
    model.module[4].register_forward_pre_hook(lambda *_: late.append(1))
    extract(model, stimuli, layers="1.*", batch_size=5)
    assert len(late) == 2  # the dry run only


def test_hooks_are_gone_even_after_an_error(model, stimuli):
    class Refuses(Progress):
        def task(self, *args, **options):
            raise KeyboardInterrupt

    extract(model, stimuli)
    with pytest.raises(KeyboardInterrupt):
        extract(model, stimuli, progress=Refuses(quiet=True))
    assert not any(each._forward_hooks for each in model.module.modules())


@pytest.mark.parametrize("reduce", ["features", "gram", "sketch"])
def test_a_finished_extraction_is_read_back_without_the_model(model, stimuli, reduce, tmp_path):
    first = extract(model, stimuli, reduce=reduce, store=tmp_path, batch_size=5)
    model.module.forward = None  # would fail
    second = extract(model, stimuli, reduce=reduce, store=Store(tmp_path), batch_size=5)
    assert second.fingerprint == first.fingerprint
    assert second.layers == first.layers
    assert second.provenance == first.provenance
    for name in first:
        one, two = ((each[name].values if reduce != "gram" else each[name].centred) for each in (first, second))
        assert np.array_equal(one, two)


def test_with_and_without_a_store_the_numbers_are_the_same(model, stimuli, tmp_path):
    kept, held = extract(model, stimuli, store=tmp_path, batch_size=5), extract(model, stimuli, batch_size=5)
    assert kept.fingerprint == held.fingerprint
    for name in held:
        assert np.array_equal(kept[name].values, held[name].values)


def test_only_the_layers_stay_in_the_store(model, stimuli, tmp_path):
    extraction = extract(model, stimuli, store=tmp_path, batch_size=5)
    stored = Store(tmp_path).open(extraction.fingerprint)
    assert len(stored.shards) == len(extraction)
    assert not list(tmp_path.rglob("rows-*"))


def test_everything_that_matters_is_in_the_fingerprint(model, stimuli):
    def name(stimuli=stimuli, model=model, **options):
        return extract(model, stimuli, **({"layers": "4"} | options)).fingerprint

    usual = name()
    assert name() == name(memory_limit="1GB") == usual
    other_weights = wrap_model(nn.Sequential(nn.Flatten(), nn.Linear(432, 2)), name="net", preprocess=lambda x: torch.from_numpy(x).float())
    others = [
        name(layers="all"),
        name(pool="mean"),
        name(reduce="gram"),
        name(reduce="sketch"),
        name(reduce="sketch", seed=1),
        name(precision="bfloat16"),
        name(batch_size=3),
        name(keep_duplicates=True),
        name(stimuli.take(stimuli.ids[:5])),
        name(model=other_weights, layers="1"),
    ]
    assert len({usual, *others}) == 11


def test_weights_that_changed_are_extracted_anew(model, stimuli, tmp_path):
    before = extract(model, stimuli, layers="4", store=tmp_path)["4"].values.copy()
    model.module[4].weight.data.zero_()
    assert not np.array_equal(extract(model, stimuli, layers="4", store=tmp_path)["4"].values, before)


def test_pictures_are_decoded_one_at_a_time_and_not_a_batch_at_a_time(stimuli):
    alive, most = weakref.WeakSet(), []

    class Picture:
        """What can be counted while it lives; arrays cannot be put into a set."""

    def preprocess(image):
        mark = Picture()
        alive.add(mark)
        weakref.finalize(image, lambda mark: None, mark)
        most.append(len(alive))
        return torch.from_numpy(image.copy()).permute(2, 0, 1).float()

    extract(wrap_model(nn.Flatten(), name="net", preprocess=preprocess), stimuli, batch_size=8)
    assert max(most) <= 4  # two threads, each with the picture at hand and perhaps the one before


def test_mixed_precision_is_close_and_recorded(model, stimuli):
    full, mixed = extract(model, stimuli), extract(model, stimuli, precision="bfloat16")
    assert mixed.provenance["precision"] == "bfloat16"
    assert not np.array_equal(full["0"].values, mixed["0"].values)
    np.testing.assert_allclose(full["4"].values, mixed["4"].values, atol=0.05)
    assert mixed["0"].values.dtype == np.float32


def test_texts_are_averaged_over_their_tokens_and_not_over_the_padding():
    texts = ["a", "a b c", "b c", "c c c c c", "b"]

    def preprocess(text):
        ids = [ord(letter) - 96 for letter in text.split()]
        return {"ids": torch.tensor(ids + [0] * (6 - len(ids))), "mask": torch.tensor([1] * len(ids) + [0] * (6 - len(ids)))}

    class Words(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Embedding(5, 7)

        def forward(self, ids, mask):
            return self.table(ids)

    torch.manual_seed(0)
    model = wrap_model(Words(), name="words", preprocess=preprocess, modality="text", token_mask=lambda batch: batch["mask"].bool())
    table = model.module.table.weight.detach().numpy()
    extraction = extract(model, Stimuli.from_texts(texts), pool="mean", batch_size=2)
    expected = [table[[ord(letter) - 96 for letter in text.split()]].mean(0) for text in texts]
    np.testing.assert_allclose(extraction["table"].values, expected, rtol=1e-5, atol=1e-6)


def test_text_features_whose_number_changes_are_not_mangled():
    model = wrap_model(
        nn.Embedding(5, 7),
        name="words",
        preprocess=lambda text: torch.tensor([ord(letter) - 96 for letter in text.split()]),
        collate=lambda each: nn.utils.rnn.pad_sequence(each, batch_first=True),
        modality="text",
    )
    with pytest.raises(InputError, match="its number of features changes with the batch"):
        extract(model, Stimuli.from_texts(["a", "b a", "a b c d"]), layers="output")


def test_an_extraction_reads_as_a_mapping(model, stimuli):
    extraction = extract(model, stimuli)
    assert len(extraction) == 7
    assert "1" in extraction
    assert "nothing" not in extraction
    assert extraction.duplicates == {"3": "2", "output": "4"}
    assert isinstance(extraction["1"], Features)
    assert extraction["1"] is extraction["1"]
    assert extraction.get("nothing") is None
    assert extraction["1"].provenance["stimuli"] == stimuli.digest
    assert extraction["1"].provenance["model"] == model.fingerprint


def test_a_layer_that_equals_an_earlier_one_is_had_by_either_name():
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 5), torch.nn.Identity())
    model = wrap_model(network.eval(), name="twins", preprocess=lambda image: torch.from_numpy(image / 255).float().permute(2, 0, 1))
    pictures = np.random.default_rng(0).integers(0, 255, (4, 4, 4, 3), dtype=np.uint8)
    extraction = extract(model, Stimuli.from_arrays(pictures))
    assert list(extraction) == ["0", "1"]
    assert extraction["2"] is extraction["1"]
    assert extraction["output"].layer == "1"
    assert extract(model, Stimuli.from_arrays(pictures), layers=["2"])["2"].layer == "2"
