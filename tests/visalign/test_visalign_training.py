"""Training: validation is of one epoch alone, rates fall, runs end, and a kill changes nothing."""

import json
import math
from functools import partial

import numpy as np
import pytest
import torch

from isomorph.models import ImageRecipe
from isomorph.stimuli import Stimuli
from isomorph.visalign import Training
from isomorph.visalign._examples import PictureExamples, RowExamples
from isomorph.visalign._training_run import Standing, judge

FAST = {"learning_rate": 1e-2, "batch_size": 8}


def network():
    return torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Dropout(0.3), torch.nn.Linear(8, 3))


@pytest.fixture(scope="module")
def examples():
    rng = np.random.default_rng(0)
    columns = np.arange(60) % 3
    values = (rng.normal(size=(60, 6)) + 1.5 * np.eye(3)[columns] @ rng.normal(size=(3, 6))).astype(np.float32)
    return RowExamples(values[:42], columns[:42]), RowExamples(values[42:], columns[42:])


def test_a_network_learns_and_the_best_epoch_is_returned(examples, tmp_path):
    found = Training(epochs=12, **FAST).fit(network, *examples, folder=tmp_path, seed=1)
    best = max(found.history, key=lambda line: (line["val_acc"], -line["val_loss"]))
    assert (found.epoch, found.accuracy) == (best["epoch"], best["val_acc"])
    assert judge(found.module, examples[1], 8) == pytest.approx((found.loss, found.accuracy))
    assert found.accuracy > 0.6
    assert [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()] == list(found.history)


def test_validation_is_of_its_own_epoch_alone(examples, tmp_path):
    """Upstream's program judges epoch k by everything since epoch 1; a rate of nothing makes all epochs equal, another rate must not."""
    losses = [line["val_loss"] for line in Training(epochs=6, **FAST).fit(network, *examples, folder=tmp_path, seed=1).history]
    again = Training(epochs=6, keep=6, **FAST).fit(network, *examples, folder=tmp_path / "all", seed=1)
    from isomorph.visalign._epoch_file import read_epoch

    for line in again.history:
        module = network()
        module.load_state_dict(read_epoch(tmp_path / "all" / f"epoch-{line['epoch']:06d}.safetensors")[0])
        assert judge(module, examples[1], 5)[0] == pytest.approx(line["val_loss"])
    assert np.ptp(losses) > 0.01


@pytest.mark.parametrize("after", [1, 3])
def test_a_killed_run_goes_on_to_the_same_bits(examples, tmp_path, after):
    options = Training(epochs=5, **FAST)
    whole = options.fit(network, *examples, folder=tmp_path / "whole", seed=2)

    def kill(line):
        if line["epoch"] == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        options.fit(network, *examples, folder=tmp_path / "cut", seed=2, after_epoch=kill)
    (tmp_path / "cut" / ".last.safetensors.tmp").write_bytes(b"half")
    resumed = options.fit(network, *examples, folder=tmp_path / "cut", seed=2)
    assert resumed.history == whole.history
    for name, each in whole.module.state_dict().items():
        assert torch.equal(each, resumed.module.state_dict()[name]), name


def test_a_kill_between_two_files_repeats_an_epoch(examples, tmp_path):
    """The best epoch's weights are there, and what says where training stands is one epoch older."""
    options, older = Training(epochs=3, **FAST), {}

    def note(line):
        older[line["epoch"]] = (tmp_path / "last.safetensors").read_bytes()

    whole = options.fit(network, *examples, folder=tmp_path, seed=2, after_epoch=note)
    (tmp_path / "last.safetensors").write_bytes(older[2])
    again = options.fit(network, *examples, folder=tmp_path, seed=2)
    assert again.history == whole.history
    assert all(torch.equal(each, again.module.state_dict()[name]) for name, each in whole.module.state_dict().items())


def test_a_finished_run_is_only_read_and_seeds_differ(examples, tmp_path):
    options = Training(epochs=2, keep=1, **FAST)
    first = options.fit(network, *examples, folder=tmp_path, seed=3)
    before = {each.name: each.stat().st_mtime_ns for each in tmp_path.iterdir()}
    assert sorted(before) == [f"epoch-{first.epoch:06d}.safetensors", "last.safetensors", "log.jsonl"]
    options.fit(network, *examples, folder=tmp_path, seed=3)
    assert {each.name: each.stat().st_mtime_ns for each in tmp_path.iterdir()} == before
    assert options.fit(network, *examples, folder=tmp_path / "other", seed=4).history != first.history


def test_rates_fall_on_a_plateau_as_torch_lets_them():
    """Against torch's own schedule, loss by loss."""
    options = Training(learning_rate=1e-3, least_learning_rate=1e-4, plateau_patience=2, plateau_cooldown=3, patience=10_000)
    standing, weight = Standing(rate=1e-3), torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([weight], lr=1e-3)
    oracle = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=0.5, patience=2, cooldown=3, min_lr=1e-4)
    losses = 1 + 0.3 * np.random.default_rng(0).random(60) - np.linspace(0, 0.2, 60)
    for loss in losses:
        standing.note(options, 0.0, float(loss), 0.5)
        oracle.step(float(loss))
        assert standing.rate == pytest.approx(optimiser.param_groups[0]["lr"])
    assert standing.rate == pytest.approx(1e-4)


def test_training_ends_where_accuracy_no_longer_grows():
    options, standing = Training(patience=3), Standing(rate=1.0)
    for accuracy in (0.2, 0.5, 0.5, 0.4):
        standing.note(options, 0.0, 1.0, accuracy)
    assert not standing.ended(options)
    standing.note(options, 0.0, math.pi, 0.1)
    assert standing.ended(options) == "patience"


def test_gradients_are_clipped(examples, tmp_path):
    histories = [Training(epochs=1, clip=clip, **FAST).fit(network, *examples, folder=tmp_path / str(clip)).history for clip in (1e-9, 0.5)]
    assert histories[0] != histories[1]


def test_training_pictures_vary_and_validation_pictures_do_not():
    pixels = np.random.default_rng(0).integers(0, 256, (2, 40, 50, 3), dtype=np.uint8)
    recipe = ImageRecipe(height_pixels=28, width_pixels=28, resize_pixels=32, interpolation="bilinear")
    held = PictureExamples(Stimuli.from_arrays(pixels, ["a", "b"]), np.array([0, 1]), recipe)
    rows, draw = np.arange(2), partial(np.random.default_rng, 3)
    first, second = held.batch(rows, rng := draw()), held.batch(rows, rng)
    assert first.shape == (2, 3, 28, 28)
    assert not torch.equal(first, second)
    assert torch.equal(held.batch(rows, draw()), first)
    assert torch.equal(held.batch(rows, None), recipe([pixels[0], pixels[1]]))
