"""Many fits at once against torch.nn.Linear with torch.optim.AdamW, one at a time."""

import math

import numpy as np
import pytest
import torch

from isomorph.probes import Probe
from isomorph.probes._adamw import AdamWProbes
from isomorph.probes._search import DECAYS, choose, rank, search

RNG = np.random.default_rng(0)
N, WIDTH, CLASSES = 230, 17, 5
X = RNG.normal(size=(N, WIDTH)).astype(np.float32)
Y = RNG.integers(CLASSES, size=N)


def make(**options):
    return AdamWProbes(X, Y, CLASSES, **{"epochs": 3, "batch_size": 64, "memory_bytes": 10**9, **options})


def by_torch(rows, seed, rate, decay, epochs=3, batch=64):
    """The same initial weights and order, then torch's own layers, gradients and optimiser."""
    generator = torch.Generator().manual_seed(seed)
    start = (torch.rand(CLASSES, WIDTH + 1, generator=generator) * 2 - 1) / math.sqrt(WIDTH)
    layer = torch.nn.Linear(WIDTH, CLASSES)
    with torch.no_grad():
        layer.weight.copy_(start[:, :-1])
        layer.bias.copy_(start[:, -1])
    optimiser = torch.optim.AdamW(layer.parameters(), lr=rate, weight_decay=decay)
    x, y = torch.from_numpy(X[rows]), torch.from_numpy(Y[rows])
    steps = epochs * math.ceil(len(rows) / batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=steps)
    for _ in range(epochs):
        order = torch.randperm(len(rows), generator=generator)
        for part in order.split(batch):
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(layer(x[part]), y[part]).backward()
            optimiser.step()
            schedule.step()
    return layer.weight.detach(), layer.bias.detach()


def test_every_fit_is_torchs_own():
    rows = np.stack([np.arange(0, 200), np.arange(30, 230)])
    settings = [[(0.1, 1e-6), (0.01, 10.0), (1e-3, 0.1)], [(0.1, 1.0), (0.03, 0.5), (1e-4, 1e-3)]]
    weights, bias = make().train(rows, [0, 7], settings)
    for at, seed in enumerate([0, 7]):
        for fit, (rate, decay) in enumerate(settings[at]):
            expected = by_torch(rows[at], seed, rate, decay)
            torch.testing.assert_close(weights[at, fit], expected[0], atol=2e-6, rtol=1e-5)
            torch.testing.assert_close(bias[at, fit], expected[1], atol=2e-6, rtol=1e-5)


def test_fits_do_not_depend_on_their_neighbours_or_on_memory():
    rows, held = np.arange(200)[None], np.arange(200, 230)[None]
    settings = [[(0.1, decay) for decay in DECAYS[::9]]]
    at_once = make().outcomes(rows, held, [0], settings)
    in_parts = make(memory_bytes=1).outcomes(rows, held, [0], settings)
    np.testing.assert_allclose(at_once, in_parts, rtol=1e-5)
    uneven = make().outcomes(np.repeat(rows, 2, axis=0), np.repeat(held, 2, axis=0), [0, 1], [settings[0][:5], settings[0][:2]])
    assert list(map(len, uneven)) == [5, 2]
    np.testing.assert_allclose(uneven[0], at_once[0][:5], rtol=1e-5)


def test_outcomes_and_probabilities():
    probes = make()
    rows, held = np.arange(200)[None], np.arange(200, 230)[None]
    ((accuracy, loss),) = probes.outcomes(rows, held, [3], [[(0.1, 0.01)]])[0]
    weights, bias = probes.train(rows, [3], [[(0.1, 0.01)]])
    p = probes.probabilities(weights[0, 0], bias[0, 0], X[200:])
    assert accuracy == pytest.approx((p.argmax(axis=1) == Y[200:]).mean())
    assert loss == pytest.approx(-np.log(p[np.arange(30), Y[200:]]).mean(), rel=1e-5)
    np.testing.assert_allclose(p.sum(axis=1), 1)


def test_the_grid():
    assert len(DECAYS) == 64
    np.testing.assert_allclose(DECAYS[::9], 10.0 ** np.arange(-6, 2))


def searched(run, *, ties, **options):
    """What is chosen for each seed, and all its fits."""
    lanes = search(run, ties=ties, **options)
    return [choose(of, ties) for of in lanes], [[trial for lane in of for trial in lane.trials] for of in lanes]


def run_over(surface, log):
    def run(settings):
        log.append([len(of) for of in settings])
        return [[surface(rate, DECAYS.index(decay)) for rate, decay in of] for of in settings]

    return run


def test_the_search_goes_from_coarse_to_fine():
    log = []
    surface = lambda rate, at: (-abs(at - (29 if rate == 0.1 else 40)) - (0 if rate == 0.1 else 1), 0.0)  # noqa: E731
    chosen, trials = searched(run_over(surface, log), seeds=[0, 1], rates=[1.0, 0.1, 0.01, 0.001], ties="original")
    assert chosen == [(0.1, DECAYS[29])] * 2
    assert log == [[32, 32], [8, 8], [8, 8], [8, 8]]
    assert [len(of) for of in trials] == [56, 56]


def test_at_the_end_of_the_grid_nothing_is_fitted_twice():
    log = []
    chosen, trials = searched(run_over(lambda _, at: (at, 0.0), log), seeds=[0], rates=[0.1], ties="loss")
    assert chosen == [(0.1, DECAYS[63])]
    assert log == [[8], [1], [1], [1]]
    assert len({setting for setting, _ in trials[0]}) == 11


@pytest.mark.parametrize(("ties", "expected"), [("original", (0.1, DECAYS[63])), ("loss", (0.01, DECAYS[0]))])
def test_ties(ties, expected):
    """All accuracies equal: the original takes the largest weight decay of the first sweep and the first rate; ours the least loss."""
    surface = lambda rate, at: (0.5, rate + at)  # noqa: E731
    chosen, _ = searched(run_over(surface, []), seeds=[0], rates=[0.1, 0.01], ties=ties)
    assert chosen == [expected]


def test_a_refinement_must_beat_the_peak_strictly():
    surface = lambda _, at: (1.0 if at in (36, 40, 32) else 0.0, 0.0)  # noqa: E731
    assert searched(run_over(surface, []), seeds=[0], rates=[0.1], ties="original")[0] == [(0.1, DECAYS[36])]


def test_a_loss_that_is_nan_wins_nothing():
    assert rank((0.5, float("nan")), "loss") < rank((0.5, 1e9), "loss")


def test_the_protocol_counts_its_fits():
    y = np.arange(400) % 4
    x = np.random.default_rng(1).normal(size=(400, 8)) + 1.2 * np.eye(4, 8)[y]
    result = Probe(epochs=2, seeds=(0, 1, 2), ties="original").fit(x, y)
    for seed in (0, 1, 2):
        assert 32 + 4 * 3 <= sum(each.seed == seed for each in result.curve) <= 56
    assert len(result.chosen) == 3
    best = [max(each.accuracy for each in result.curve if each.seed == seed) for seed in (0, 1, 2)]
    of = {(each.seed, *each.options.values()): each.accuracy for each in result.curve}
    assert [of[seed, *chosen.values()] for seed, chosen in enumerate(result.chosen)] == best
