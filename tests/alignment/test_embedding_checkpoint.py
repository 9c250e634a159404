"""A fit of an embedding that is killed goes on where it stood, to the same numbers."""

import re
from dataclasses import replace

import numpy as np
import pytest

from isomorph.alignment import VICE, SPoSE
from isomorph.alignment import _odd_one_out_embedding_checkpoint as checkpoint
from isomorph.alignment._odd_one_out_embedding_training import Training
from isomorph.errors import FileError, InputError
from isomorph.judgments import Triplets

METHODS = [
    VICE(dimensions=5, learning_rate=0.05, epochs=24, burn_in=4, window=10, seeds=(0, 1), significant=2),
    SPoSE(dimensions=5, learning_rate=0.05, epochs=24, burn_in=4, window=10, seeds=(0, 1)),
]


@pytest.fixture(scope="module")
def trials():
    rng = np.random.default_rng(0)
    kind = np.arange(18) % 3
    items = []
    for _ in range(1200):
        a, b = rng.choice(np.flatnonzero(kind == rng.integers(3)), 2, replace=False)
        items.append((a, b, rng.choice(np.flatnonzero(kind != kind[a]))))
    return Triplets(items=np.array(items), objects=tuple(f"o{each}" for each in range(18)))


@pytest.fixture
def eager(monkeypatch):
    monkeypatch.setattr(checkpoint, "_PAUSE_SECONDS", 0.0)


def killed(monkeypatch, method, trials, path, *, at):
    """Fit until the epoch `at` begins; a power cut leaves what was written until then."""
    real, epochs = Training._epoch, []

    def epoch(self):
        epochs.append(1)
        if len(epochs) == at:
            raise KeyboardInterrupt
        return real(self)

    with monkeypatch.context() as patched:
        patched.setattr(Training, "_epoch", epoch)
        with pytest.raises(KeyboardInterrupt):
            method.fit(trials, checkpoint=path)


@pytest.mark.parametrize("method", METHODS, ids=["VICE", "SPoSE"])
@pytest.mark.parametrize("at", [4, 17])
def test_it_goes_on_to_the_same_numbers(method, at, trials, tmp_path, monkeypatch, eager):
    whole = method.fit(trials)
    killed(monkeypatch, method, trials, tmp_path / "part", at=at)
    epochs = []
    real = Training._epoch
    monkeypatch.setattr(Training, "_epoch", lambda self: epochs.append(1) or real(self))
    again = method.fit(trials, checkpoint=tmp_path / "part")
    assert len(epochs) == whole.trace.epochs[-1] - (at - 1)  # nothing is done twice
    for one, two in zip(whole.runs, again.runs, strict=True):
        np.testing.assert_array_equal(one.mean, two.mean)
        np.testing.assert_array_equal(one.trace.held_out, two.trace.held_out)
        assert one.trace.settled == two.trace.settled
        assert (one.scale is None) == (two.scale is None)
    epochs.clear()
    np.testing.assert_array_equal(method.fit(trials, checkpoint=tmp_path / "part").mean, whole.mean)
    assert not epochs  # finished, though nobody saved it


def test_another_fit_and_damage_are_refused(trials, tmp_path, monkeypatch, eager):
    killed(monkeypatch, METHODS[0], trials, tmp_path / "part", at=4)
    path = tmp_path / "part.0"
    text = f"{path} is the checkpoint of a fit with other trials. Delete it, or name another file."
    with pytest.raises(InputError, match="^" + re.escape(text) + "$"):
        METHODS[0].fit(trials.take(slice(0, 900)), checkpoint=tmp_path / "part")
    with pytest.raises(InputError, match="a fit with other epochs, seeds"):
        replace(METHODS[0], epochs=30, seeds=(0, 2)).fit(trials, checkpoint=tmp_path / "part")
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(FileError, match=r"holds no checkpoint of a fit, or is damaged: .* Delete it to begin anew\."):
        METHODS[0].fit(trials, checkpoint=tmp_path / "part")


def test_short_fits_write_only_their_end(trials, tmp_path):
    METHODS[1].fit(trials, checkpoint=tmp_path / "part")
    assert [each.name for each in tmp_path.iterdir()] == ["part.0"]
