"""The sentences of a run that cannot begin or go on, word for word; each names what is kept."""

import errno
import os
import re
import resource

import numpy as np
import pytest
import torch

from isomorph.alignet import FineTuning, TripletLoss
from isomorph.alignet._checkpoint import checkpoint_paths, write_checkpoint
from isomorph.errors import InputError, NonFiniteError, ShapeError, StoreError
from isomorph.judgments import Triplets
from isomorph.models import wrap_model
from isomorph.stimuli import Stimuli

IDS = [f"p{row}" for row in range(9)]


def tensor(picture):
    return torch.from_numpy(picture).permute(2, 0, 1).float() / 255


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3)
        self.body = torch.nn.Linear(4, 6)
        self.fc = torch.nn.Linear(6, 2)

    def forward(self, x):
        return self.fc(self.body(self.conv(x).relu().mean((2, 3))))


def model(name="tiny"):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return wrap_model(Net(), name=name, preprocess=tensor)


def pictures():
    return Stimuli.from_arrays(np.random.default_rng(0).integers(0, 255, size=(9, 6, 6, 3), dtype=np.uint8), ids=IDS)


def triplets():
    rng = np.random.default_rng(1)
    items = np.array([rng.permutation(9)[:3] for _ in range(40)], dtype=np.int32)
    return Triplets(items=items, objects=tuple(IDS), similarities=rng.normal(size=(40, 3)))


def recipe(**changes):
    loss = TripletLoss(temperature=1.0)
    plain = {"steps": 12, "batch_size": 8, "warmup": 2, "learning_rate": 1e-2, "loss": loss, "dimensions": 8, "checkpoint_every": 5}
    return FineTuning(**(plain | changes))


def fit(folder, shown=None, of=None, **changes):
    return recipe(**changes).fit(of or model(), shown or pictures(), triplets(), folder=folder)


def weights(folder):
    """Those, and the moments, of the newest checkpoint of a run."""
    from safetensors.torch import load_file

    return {name: each for name, each in load_file(checkpoint_paths(folder)[-1]).items() if name != "header"}


def same(one, two):
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def said(error, text):
    return pytest.raises(error, match="^" + re.escape(text) + "$")


def fit_within(size, folder, **options):
    """What a run says whose files may have `size` bytes: the system itself refuses to write more."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
            fit(folder, **options)
        except StoreError as error:
            os.write(writing, str(error).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as said:
        told = said.read()
    os.waitpid(child, 0)
    return told


def names(folder):
    return sorted(each.name for each in folder.iterdir())


def test_no_room_for_a_checkpoint(tmp_path):
    full, whole = tmp_path / "full", tmp_path / "whole"
    fit(whole, keep=9)
    told = fit_within(checkpoint_paths(whole)[0].stat().st_size + 100, full)  # the first one has no moments yet
    kept = full / "checkpoint-000000000.safetensors"
    assert told == (
        f"the checkpoint of step 5 cannot be written to {full}: File too large. The last good checkpoint is {kept}; raise the limit on "
        "file sizes (ulimit -f), or pass another folder with that file in it, and run again to go on from it."
    )
    assert names(full) == ["checkpoint-000000000.safetensors", "log.jsonl"]
    before = kept.read_bytes()
    fit(full, keep=9)
    assert kept.read_bytes() == before
    assert same(weights(full), weights(whole))
    assert (full / "log.jsonl").read_bytes() == (whole / "log.jsonl").read_bytes()


def test_no_room_for_the_first_checkpoint(tmp_path):
    assert fit_within(1000, tmp_path / "run") == (
        f"the checkpoint of step 0 cannot be written to {tmp_path / 'run'}: File too large. There is no checkpoint yet; raise the limit on "
        "file sizes (ulimit -f), or pass another folder, and run again."
    )
    assert names(tmp_path / "run") == []


def test_no_room_for_the_log(tmp_path):
    full, whole = tmp_path / "full", tmp_path / "whole"
    fit(whole, steps=300, keep=2, checkpoint_every=20)
    size = (whole / "log.jsonl").stat().st_size
    assert checkpoint_paths(whole)[-1].stat().st_size < size // 2
    told = fit_within(size // 2, full, steps=300, keep=2, checkpoint_every=20)
    kept = checkpoint_paths(full)[-1]
    assert told == (
        f"the log cannot be written to {full}: File too large. The last good checkpoint is {kept}; raise the limit on file sizes "
        "(ulimit -f), or pass another folder with that file in it, and run again to go on from it."
    )
    assert kept.name > "checkpoint-000000080"
    fit(full, steps=300, keep=2, checkpoint_every=20)
    assert same(weights(full), weights(whole))
    assert (full / "log.jsonl").read_bytes() == (whole / "log.jsonl").read_bytes()


def test_a_full_disk(tmp_path, monkeypatch):
    """Some file systems say so only when the bytes are flushed."""
    first = write_checkpoint(tmp_path, 0, {}, {"x": torch.zeros(3)}, keep=1)
    before = first.read_bytes()

    def fsync(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with said(
        StoreError,
        f"the checkpoint of step 7 cannot be written to {tmp_path}: No space left on device. The last good checkpoint is {first}; make "
        "room there, or pass another folder with that file in it, and run again to go on from it.",
    ):
        write_checkpoint(tmp_path, 7, {}, {"x": torch.ones(3)}, keep=1)
    assert names(tmp_path) == [first.name]
    assert first.read_bytes() == before


def test_a_file_stands_where_the_folder_should(tmp_path):
    (tmp_path / "run").write_text("no folder")
    with said(
        StoreError,
        f"the checkpoint of step 0 cannot be written to {tmp_path / 'run'}: File exists. There is no checkpoint yet; make room there, or "
        "pass another folder, and run again.",
    ):
        fit(tmp_path / "run")


def test_a_checkpoint_of_another_run(tmp_path):
    fit(tmp_path, steps=2, warmup=1)
    path = checkpoint_paths(tmp_path)[-1]
    other = model("other")
    rest = "Go on with what that run had, or pass another folder to begin anew."
    then, now = model().fingerprint, other.fingerprint
    with said(InputError, f"{path} is a checkpoint of another run, with another model: {then!r}, and this run has {now!r}. {rest}"):
        fit(tmp_path, of=other, steps=2, warmup=1)
    with said(InputError, f"{path} is a checkpoint of another run, with other options: steps was 2 and is 3. {rest}"):
        fit(tmp_path, steps=3, warmup=1)


def test_a_loss_that_is_not_finite(tmp_path):
    spoilt = model()
    calls = []

    def hook(module, given, out):
        calls.extend([0] * module.training)
        return out * np.nan if len(calls) == 4 else out

    spoilt.module.conv.register_forward_hook(hook)
    kept = tmp_path / "checkpoint-000000003.safetensors"
    with said(
        NonFiniteError,
        "step 3: the loss is nan and its gradient has the norm nan; nothing was updated. What was learnt so far is kept: the last good "
        f"checkpoint is {kept}. A lower learning_rate, or clip=1.0, may help.",
    ):
        fit(tmp_path, of=spoilt)
    assert all(torch.isfinite(each.float()).all() for each in weights(tmp_path).values())


def test_a_picture_that_cannot_be_read(tmp_path):
    from PIL import Image

    shown = pictures()
    paths = [tmp_path / f"{name}.png" for name in IDS]
    for path, each in zip(paths, shown, strict=True):
        Image.fromarray(each).save(path)
    whole = tmp_path / "whole"
    files = Stimuli.from_files(paths, ids=IDS)
    fit(whole, files)
    content = paths[4].read_bytes()
    for spoil, why in ((lambda: paths[4].write_bytes(content[:60]), "cannot be decoded: "), (paths[4].unlink, "cannot be ")):
        run = tmp_path / why.strip(": ").replace(" ", "-")
        spoil()
        with pytest.raises(InputError) as caught:
            fit(run, files)
        kept = checkpoint_paths(run)[-1]
        pattern = (
            rf"step \d+: the picture 'p4' cannot be read: stimulus 'p4' \({re.escape(str(paths[4]))}\) {why}.*\. What was learnt so far is "
            rf"kept: the last good checkpoint is {re.escape(str(kept))}\. Mend the picture and run again to go on from there, or pass "
            r"on_error='skip' to leave out its triplets\."
        )
        assert re.fullmatch(pattern, str(caught.value)), str(caught.value)
        paths[4].write_bytes(content)
        fit(run, files)
        assert same(weights(run), weights(whole))


def test_too_few_triplets(tmp_path):
    with said(ShapeError, "a batch takes 41 triplets, but there are 40; pass more, or a smaller batch_size."):
        fit(tmp_path, batch_size=41)
