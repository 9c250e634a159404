"""Fine-tuning on a tiny network: updates by hand, equal runs, resuming after any end, and what stops it."""

import json
import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch

from isomorph.alignet import FineTuning, LoRA, Student, TripletLoss
from isomorph.alignet._checkpoint import checkpoint_paths
from isomorph.alignet._pulled_adam import PulledAdam, warmup_cosine
from isomorph.errors import IdError, InputError, NonFiniteError, ShapeError
from isomorph.judgments import Triplets
from isomorph.models import extract, load_model, wrap_model
from isomorph.stimuli import Stimuli

N = 12
IDS = [f"p{row}" for row in range(N)]


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 6, 3)
        self.norm = torch.nn.BatchNorm2d(6)
        self.drop = torch.nn.Dropout(0.2)
        self.body = torch.nn.Linear(54, 8)
        self.fc = torch.nn.Linear(8, 5)

    def forward(self, x):
        places = torch.nn.functional.avg_pool2d(torch.tanh(self.norm(self.conv(4 * x - 2))), 2)
        return self.fc(torch.relu(self.body(self.drop(places.flatten(1)))))


def to_tensor(picture):
    return torch.from_numpy(picture).permute(2, 0, 1).float() / 255


def net():
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return wrap_model(Net(), name="tiny", preprocess=to_tensor)


def pictures():
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 226, size=(N, 1, 1, 3))
    return Stimuli.from_arrays((colours + rng.integers(0, 30, size=(N, 8, 8, 3))).astype(np.uint8), ids=IDS)


def labelled(n=60, seed=1, scale=2.0):
    rng = np.random.default_rng(seed)
    z = np.random.default_rng(5).normal(size=(N, 4))
    items = np.array([rng.permutation(N)[:3] for _ in range(n)], dtype=np.int32)
    s = np.stack([(z[items[:, a]] * z[items[:, b]]).sum(1) for a, b in ((0, 1), (0, 2), (1, 2))], 1)
    return Triplets(items=items, objects=tuple(IDS), similarities=scale * s)


def spec(**changes):
    return FineTuning(
        **{"steps": 12, "batch_size": 8, "learning_rate": 1e-2, "warmup": 3, "loss": TripletLoss(temperature=1.0), "dimensions": 16}
        | {"checkpoint_every": 5, "evaluate_every": 6, "evaluation_batches": 3}
        | changes
    )


def weights(fitted):
    return {name: each.clone() for name, each in fitted.model.module.state_dict().items()}


def same(one, two):
    return all(torch.equal(one[name], two[name]) for name in one)


def test_released_and_paper_presets():
    released, paper = FineTuning.preset("alignet-released"), FineTuning.preset("alignet-paper", steps=7)
    assert released == FineTuning()
    facts = (
        released.batch_size,
        released.steps,
        released.warmup,
        released.learning_rate,
        released.pull,
        released.pull_form,
        released.dimensions,
    )
    assert facts == (512, 100_000, 5_000, 3e-5, 1.0, "decoupled", 1024)
    assert (released.loss, released.pull_head, released.seed) == (TripletLoss(kind="jsd", temperature=100.0, normalise=False), True, 42)
    assert (paper.loss.kind, paper.pull_form, paper.pull_head, paper.steps) == ("kl", "penalty", False, 7)


def test_schedule():
    at = [warmup_cosine(step, peak=3e-5, warmup=5_000, steps=100_000) for step in (0, 2_500, 5_000, 52_500, 100_000)]
    np.testing.assert_allclose(at, [0, 1.5e-5, 3e-5, 1.5e-5, 0], atol=1e-15)


@pytest.mark.parametrize("form", ["decoupled", "penalty"])
def test_two_updates_by_hand(form):
    start, slopes = np.array([1.0, -2.0]), [np.array([0.3, -0.1]), np.array([-0.2, 0.4])]
    weight = torch.nn.Parameter(torch.tensor(start))
    optimiser = PulledAdam({"w": weight}, pull=0.5, form=form)
    theta, first, second = start.copy(), np.zeros(2), np.zeros(2)
    for step, (slope, rate) in enumerate(zip(slopes, (0.1, 0.05), strict=True), start=1):
        weight.grad = torch.tensor(slope)
        norm = optimiser.step(rate)
        g = slope + (2 * 0.5 * (theta - start) if form == "penalty" else 0)
        first, second = 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g**2
        update = (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
        theta = theta - rate * (update + (0.5 * (theta - start) if form == "decoupled" else 0))
        np.testing.assert_allclose(weight.detach().numpy(), theta, rtol=1e-12)
        assert norm == pytest.approx(np.linalg.norm(g))
    assert optimiser.distance() == pytest.approx(np.linalg.norm(theta - start))


def test_moments_come_back_in_the_layout_of_the_weights():
    start, first, second = torch.randn(3, 5, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    ends = []
    for again in (False, True):
        weight = torch.nn.Parameter(start.clone(memory_format=torch.channels_last))
        optimiser = PulledAdam({"w": weight}, pull=0.0, form="decoupled")
        weight.grad = first.contiguous(memory_format=torch.channels_last)
        optimiser.step(0.1)
        if again:
            held = {name: each.contiguous() for name, each in optimiser.state().items()}
            optimiser = PulledAdam({"w": weight}, pull=0.0, form="decoupled")
            optimiser.restore(held, 1)
        weight.grad = second.contiguous(memory_format=torch.channels_last)
        optimiser.step(0.1)
        ends.append(weight.detach().clone())
    assert torch.equal(*ends)


def test_clip_and_free_parameters():
    one, two = (torch.nn.Parameter(torch.zeros(2)) for _ in range(2))
    optimiser = PulledAdam({"one": one, "head.two": two}, pull=1.0, form="decoupled", free=frozenset({"head.two"}), clip=1.0)
    for each in (one, two):
        each.data += 1.0
        each.grad = torch.full((2,), 10.0)
    assert optimiser.step(0.0) == pytest.approx(20.0)
    assert optimiser.distance() == pytest.approx(np.sqrt(2))  # only `one` is pulled
    assert optimiser.state()["first.one"].norm() < 0.1  # 0.1 × the clipped gradient


def test_a_student_copies_its_model_and_reads_what_feeds_the_classifier():
    model = net()
    student = Student.of(model, pictures(), dimensions=16, seed=1)
    assert student.layer == "body"
    out = student.eval()(model.prepare(list(pictures())))
    assert {name: tuple(each.shape) for name, each in out.items()} == {"pre_logits": (N, 8), "triplet_logits": (N, 16)}
    np.testing.assert_array_equal(out["pre_logits"].detach(), extract(model, pictures(), layers="body")["body"].values)
    student.network.conv.weight.data.zero_()
    assert model.module.conv.weight.abs().sum() > 0


def test_it_learns_and_the_model_stays(tmp_path):
    model = net()
    before = model.fingerprint
    recipe = spec(steps=300, pull=0.0, learning_rate=3e-3, batch_size=16, loss=TripletLoss(kind="kl", temperature=1.0))
    other = labelled(40, seed=9, scale=1.0)
    fitted = recipe.fit(model, pictures(), labelled(200, scale=1.0), folder=tmp_path, validation={"other": other})
    assert model.fingerprint == before
    losses = [each["loss"] for each in fitted.history]
    assert np.mean(losses[-10:]) < 0.5 * np.mean(losses[:10])
    assert fitted.validation["other"]["triplets"] == 40
    assert fitted.validation["other"]["agreement"] > 0.6
    assert fitted.model.name == "user/tiny+alignet"
    rows = extract(fitted.model, pictures(), layers=["output[pre_logits]", "output[triplet_logits]"])
    assert [each.width for each in rows.values()] == [8, 16]
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 300


def test_two_hundred_released_steps_twice_give_identical_weights(tmp_path):
    recipe = FineTuning.preset("alignet-released", steps=200, batch_size=8, warmup=10, dimensions=16)
    one, two = (recipe.fit(net(), pictures(), labelled(), folder=tmp_path / name) for name in "ab")
    assert same(weights(one), weights(two))
    assert (tmp_path / "a/log.jsonl").read_bytes() == (tmp_path / "b/log.jsonl").read_bytes()
    assert not same(weights(one), {"network.conv.weight": net().module.conv.weight} | {})


class Ended(Exception):
    pass


class EndsAt:
    """A preparation that fails once, as a killed process would end."""

    def __init__(self, calls):
        self.left = calls

    def __call__(self, picture):
        self.left -= 1
        if self.left == 0:
            raise Ended
        return to_tensor(picture)


@pytest.mark.parametrize("calls", [30, 75, 120])
def test_interrupted_and_resumed_equals_uninterrupted(tmp_path, calls):
    whole = spec().fit(net(), pictures(), labelled(), folder=tmp_path / "whole", validation={"v": labelled(20, seed=7)})
    model = net()
    ending = wrap_model(model.module, name="tiny", preprocess=EndsAt(calls))
    with pytest.raises(Ended):
        spec().fit(
            ending.__class__(**{**vars(ending), "recipe": model.recipe, "card": model.card, "weights": model.weights}),
            pictures(), labelled(), folder=tmp_path / "cut", validation={"v": labelled(20, seed=7)}, cache=1,
        )  # fmt: skip
    assert checkpoint_paths(tmp_path / "cut")[-1].name < "checkpoint-000000012"
    again = spec().fit(net(), pictures(), labelled(), folder=tmp_path / "cut", validation={"v": labelled(20, seed=7)})
    assert same(weights(whole), weights(again))
    assert (tmp_path / "whole/log.jsonl").read_bytes() == (tmp_path / "cut/log.jsonl").read_bytes()


@pytest.mark.parametrize(("times", "kept"), [(1, 7), (2, 5)])
def test_ctrl_c_waits_for_the_end_of_an_update_and_twice_it_does_not(tmp_path, monkeypatch, times, kept):
    whole = spec().fit(net(), pictures(), labelled(), folder=tmp_path / "whole")
    calls = []

    def step(self, rate, plain=PulledAdam.step):
        norm = plain(self, rate)
        calls.append(rate)
        if len(calls) == 7:  # the weights are new, and the run does not know of it
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)
        return norm

    monkeypatch.setattr(PulledAdam, "step", step)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin without it
    try:
        with pytest.raises(KeyboardInterrupt):
            spec().fit(net(), pictures(), labelled(), folder=tmp_path / "cut")
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    monkeypatch.undo()
    assert checkpoint_paths(tmp_path / "cut")[-1].name == f"checkpoint-{kept:09d}.safetensors"
    again = spec().fit(net(), pictures(), labelled(), folder=tmp_path / "cut")
    assert same(weights(whole), weights(again))
    assert (tmp_path / "whole/log.jsonl").read_bytes() == (tmp_path / "cut/log.jsonl").read_bytes()


def test_a_finished_run_is_read_back(tmp_path):
    one = spec().fit(net(), pictures(), labelled(), folder=tmp_path)
    times = {path: path.stat().st_mtime_ns for path in checkpoint_paths(tmp_path)}
    two = spec().fit(net(), pictures(), labelled(), folder=tmp_path)
    assert same(weights(one), weights(two))
    assert {path: path.stat().st_mtime_ns for path in checkpoint_paths(tmp_path)} == times
    assert [each.name for each in times] == [
        "checkpoint-000000005.safetensors",
        "checkpoint-000000010.safetensors",
        "checkpoint-000000012.safetensors",
    ]


def test_a_damaged_checkpoint_is_passed_over(tmp_path):
    one = spec().fit(net(), pictures(), labelled(), folder=tmp_path)
    last = checkpoint_paths(tmp_path)[-1]
    last.write_bytes(last.read_bytes()[:5000])
    two = spec().fit(net(), pictures(), labelled(), folder=tmp_path)
    assert same(weights(one), weights(two))
    assert two.notes[0].startswith(f"{last} is no checkpoint that can be read: ")


def test_accumulation_equals_one_batch(tmp_path):
    class Plain(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.body = torch.nn.Linear(192, 8)

        def forward(self, x):
            return self.body(x.flatten(1))

    torch.manual_seed(0)
    model = wrap_model(Plain().double(), name="plain", preprocess=lambda picture: to_tensor(picture).double())
    one, parts = (
        spec(accumulate=each, steps=4).fit(model, pictures(), labelled(), folder=tmp_path / str(each), layer="output") for each in (1, 3)
    )
    for name, each in weights(one).items():
        np.testing.assert_allclose(weights(parts)[name], each, rtol=1e-4, atol=1e-5)


def test_lora_leaves_a_plain_network(tmp_path):
    fitted = spec(lora=LoRA(rank=2), steps=20).fit(net(), pictures(), labelled(), folder=tmp_path)
    now, before = fitted.model.module.network, net().module
    assert type(now.body) is torch.nn.Linear
    assert torch.equal(now.conv.weight, before.conv.weight)
    difference = (now.body.weight - before.body.weight).detach()
    assert 1 <= torch.linalg.matrix_rank(difference, rtol=1e-4) <= 2
    again = spec(lora=LoRA(rank=2), steps=20).fit(net(), pictures(), labelled(), folder=tmp_path)
    assert same(weights(fitted), weights(again))


def test_two_processes_equal_one(tmp_path):
    code = textwrap.dedent(
        """
        import sys, importlib.util
        found = importlib.util.spec_from_file_location("alone", sys.argv[1])
        alone = importlib.util.module_from_spec(found); found.loader.exec_module(alone)
        class Still(alone.Net):
            def __init__(self):
                super().__init__(); self.drop.p = 0.0
        alone.torch.manual_seed(3)
        model = alone.wrap_model(Still(), name="tiny", preprocess=alone.to_tensor)
        alone.spec(steps=6).fit(model, alone.pictures(), alone.labelled(), folder=sys.argv[2])
        """
    )
    script = tmp_path / "train.py"
    script.write_text(code)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, script, __file__, tmp_path / "one"], check=True, env=environment)
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", script, __file__, tmp_path / "two"]
    subprocess.run(run, check=True, env=environment, capture_output=True)
    one, two = ([json.loads(line) for line in (tmp_path / name / "log.jsonl").read_text().splitlines()] for name in ("one", "two"))
    assert len(two) == 6
    np.testing.assert_allclose([each["loss"] for each in two], [each["loss"] for each in one], rtol=1e-4)


def test_a_bundled_network_can_learn(tmp_path):
    model = load_model("bundled/mobilenet_v2.random-0", recipe={"height_pixels": 32, "width_pixels": 32, "resize_pixels": 32})
    fitted = spec(steps=2, precision="bfloat16").fit(model, pictures(), labelled(), folder=tmp_path)
    assert fitted.model.card.layer == "output[pre_logits]"
    assert fitted.student.triplet_head.in_features == 1280


def test_what_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"warmup, pull and seed must be 0 or more; got 3, 1\.0 and -1"):
        spec(seed=-1)
    with pytest.raises(ShapeError, match=r"a batch takes 500 triplets, but there are 60"):
        spec(batch_size=500).fit(net(), pictures(), labelled(), folder=tmp_path)
    with pytest.raises(IdError, match="the pictures of the triplets was not shown 1 of 12"):
        spec().fit(net(), pictures().take(IDS[:-1]), labelled(), folder=tmp_path)
    bare = Triplets(items=labelled().items, objects=tuple(IDS))
    with pytest.raises(InputError, match="these have neither"):
        spec().fit(net(), pictures(), bare, folder=tmp_path / "bare")
    spec(steps=2).fit(net(), pictures(), labelled(), folder=tmp_path / "run")
    with pytest.raises(InputError, match=r"a checkpoint of another run, with another triplets"):
        spec(steps=2).fit(net(), pictures(), labelled(seed=2), folder=tmp_path / "run")
    with pytest.raises(InputError, match=r"other options: learning_rate was 0.01 and is 0.1"):
        spec(steps=2, learning_rate=0.1).fit(net(), pictures(), labelled(), folder=tmp_path / "run")
    other = wrap_model(Net(), name="other", preprocess=to_tensor)
    with pytest.raises(InputError, match=r"a checkpoint of another run, with another model"):
        spec(steps=2).fit(other, pictures(), labelled(), folder=tmp_path / "run")


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path):
    model = net()
    calls = []
    model.module.body.register_forward_hook(lambda module, given, out: calls.append(0) or (out * np.nan if len(calls) > 6 else out))
    with pytest.raises(
        NonFiniteError, match=r"step \d+: the loss is nan .* the last good checkpoint is .*checkpoint-0000000\d\d"
    ) as caught:
        spec().fit(model, pictures(), labelled(), folder=tmp_path)
    named = checkpoint_paths(tmp_path)[-1]
    assert str(named) in str(caught.value)
    from safetensors.torch import load_file

    assert all(torch.isfinite(each.float()).all() for each in load_file(named).values())


class Corrupt:
    def __init__(self, bad):
        self.bad = bad

    def __call__(self, picture):
        if int(picture[0, 0, 0]) == self.bad:
            raise OSError("image file is truncated")
        return to_tensor(picture)


def test_corrupt_pictures_in_mid_epoch(tmp_path):
    shown = pictures()
    bad = int(shown[6][0, 0, 0])
    torch.manual_seed(3)
    model = wrap_model(Net(), name="tiny", preprocess=Corrupt(bad))
    with pytest.raises(
        InputError, match=r"step \d+: the picture 'p6' cannot be read: image file is truncated\. What was learnt so far is kept"
    ):
        spec().fit(model, shown, labelled(), folder=tmp_path / "stops")
    assert checkpoint_paths(tmp_path / "stops")
    fitted = spec(on_error="skip").fit(model, shown, labelled(), folder=tmp_path / "skips")
    assert fitted.skipped == ("p6",)
    assert "1 pictures could not be read" in fitted.notes[-1]


def test_unit_length_at_temperature_100_is_warned_of(tmp_path):
    fitted = spec(steps=2, warmup=0, loss=TripletLoss(normalise=True)).fit(net(), pictures(), labelled(), folder=tmp_path)
    assert "embeddings of unit length with temperature 100 reach a loss of" in fitted.notes[0]


def test_tensorboard_does_not_bring_tensorflow(tmp_path):
    code = (
        "import sys; from pathlib import Path; from isomorph.alignet._log import Log\n"
        f"with Log(Path({str(tmp_path)!r}), 0, tensorboard=True) as log: log.add({{'step': 0, 'loss': 1.0}})\n"
        "print(sorted({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert len(list(tmp_path.glob("events.*"))) == 1


def test_a_run_that_ends_while_the_rate_climbs_says_so(tmp_path):
    fitted = spec(warmup=12, steps=12).fit(net(), pictures(), labelled(), folder=tmp_path)
    assert fitted.notes == (
        "the run ended after 12 steps, while the learning rate was to climb for 12: it never reached 0.01. A shorter warmup suits it.",
    )
