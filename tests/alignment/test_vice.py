"""Simulated people whose dimensions are known: VICE finds them, their number, and how unsure people are."""

import numpy as np
import pytest
import torch

from isomorph.alignment import VICE, OddOneOutEmbedding
from isomorph.alignment._vice_program import ViceProgram
from isomorph.judgments import PAIRS, Triplets

QUICK = {"dimensions": 10, "learning_rate": 0.02, "epochs": 60, "burn_in": 15, "window": 20}


@pytest.fixture(scope="module")
def people():
    """The dimensions, trials, the same unordered, and the true chances of the pairs."""
    rng = np.random.default_rng(3)
    x = rng.gamma(2.0, 0.7, size=(48, 4)) * (rng.random((48, 4)) < 0.35)
    shown = rng.permuted(np.tile(np.arange(48), (12_000, 1)), axis=1)[:, :3]
    logits = np.stack([(x[shown[:, one]] * x[shown[:, two]]).sum(axis=1) for one, two in PAIRS], axis=1)
    chances = np.exp(logits - logits.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    kept = (chances.cumsum(axis=1) < rng.random((len(shown), 1))).sum(axis=1)
    names = tuple(f"thing {each}" for each in range(48))
    ordered = np.take_along_axis(shown, np.array([[0, 1, 2], [0, 2, 1], [1, 2, 0]])[kept], axis=1)
    return x, Triplets(items=ordered, objects=names), Triplets(items=shown, objects=names), chances


@pytest.fixture(scope="module")
def fitted(people):
    return VICE(**QUICK, seeds=(0, 1, 2)).fit(people[1])


def test_known_dimensions_and_their_number_are_recovered(people, fitted):
    best = np.corrcoef(people[0].T, fitted.weights.T)[:4, 4:].max(axis=1)
    assert (best > 0.8).mean() >= 0.8, best
    assert 4 <= fitted.width <= 5
    assert fitted.reproducibility().share >= 0.8


def test_entropies_follow_the_true_ones(people, fitted):
    _, _, shown, chances = people
    posterior = fitted.posterior(shown)
    truth = -(chances * np.log(chances)).sum(axis=1)
    assert np.corrcoef(posterior.entropy, truth)[0, 1] > 0.9
    assert (posterior.entropy >= posterior.expected_entropy - 1e-9).all()
    assert np.abs(posterior.probabilities - chances).mean() < 0.05
    np.testing.assert_allclose(posterior.probabilities.sum(axis=1), 1)


def test_spread_is_smaller_where_there_are_more_trials(people):
    few = VICE(**(QUICK | {"epochs": 30}), seeds=(0,), validation=0)
    rare, often = np.arange(48) < 24, np.arange(48) >= 24
    trials = people[1]
    sparse = rare[trials.items].any(axis=1) & (np.arange(len(trials)) % 10 > 0)
    result = few.fit(trials.take(~sparse))
    assert result.scale[rare].mean() > 1.2 * result.scale[often].mean()
    assert np.isnan(result.held_out)


def test_log_likelihood_of_new_trials(people, fitted):
    new = people[1].take(slice(0, 500))
    assert -np.log(3) < fitted.log_likelihood(new) < 0
    assert fitted.log_likelihood(new, seed=1) == fitted.log_likelihood(new, seed=1)
    assert fitted.log_likelihood(new, seed=1) != fitted.log_likelihood(new, seed=2)


def test_the_same_seed_gives_the_same_embedding(people):
    method = VICE(**(QUICK | {"epochs": 2, "significant": 0, "level": 0.9}), seeds=(4, 5))
    first, again = method.fit(people[1]), method.fit(people[1])
    np.testing.assert_array_equal(first.mean, again.mean)
    np.testing.assert_array_equal(first.scale, again.scale)
    alone = VICE(**(QUICK | {"epochs": 2, "significant": 0, "level": 0.9}), seeds=(5,)).fit(people[1])
    np.testing.assert_allclose(alone.mean, first.runs[1].mean, atol=1e-4)


def test_gradient_is_that_of_autograd():
    trials, spike, slab, share = 40, 0.25, 1.0, 0.6
    generators = [torch.Generator().manual_seed(each) for each in (0, 1)]
    program = ViceProgram(
        generators, 6, dimensions=3, trials=trials, spike=spike, slab=slab, share=share, learning_rate=0.1, significant=1, level=0.05
    )
    program.log_scale.normal_(-1, 0.5, generator=generators[0])
    program.begin_epoch(3)
    program.draw()
    items = torch.tensor([[0, 1, 2], [3, 5, 1], [6, 7, 10], [11, 9, 8]]).T.contiguous()
    with torch.no_grad():
        losses = program.gradient(items.unbind(0), None)
    mean, log_scale = (each.detach().double().requires_grad_() for each in (program.mean, program.log_scale))
    z = mean + log_scale.exp() * program.noise.double()
    x = z.clamp(min=0).flatten(0, 1)
    one, two, odd = (x[each] for each in items)
    logs = torch.log_softmax(torch.stack([(one * two).sum(1), (one * odd).sum(1), (two * odd).sum(1)]), 0)
    normal = torch.distributions.Normal
    prior = torch.logaddexp(np.log(share) + normal(0, spike).log_prob(z), np.log(1 - share) + normal(0, slab).log_prob(z))
    complexity = (normal(mean, log_scale.exp()).log_prob(z) - prior).sum() / trials
    (-logs[0].view(2, 2).mean(1).sum() + complexity).backward()
    torch.testing.assert_close(losses.double(), -logs[0].view(2, 2).mean(1).detach(), atol=1e-5, rtol=0)
    torch.testing.assert_close(program.mean.grad.double(), mean.grad, atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(program.log_scale.grad.double(), log_scale.grad, atol=1e-6, rtol=1e-4)


def test_prior_is_finite_far_out():
    program = ViceProgram(
        [torch.Generator().manual_seed(0)],
        4,
        dimensions=1,
        trials=10,
        spike=0.01,
        slab=1.0,
        share=0.5,
        learning_rate=0.1,
        significant=1,
        level=0.05,
    )
    program.mean.fill_(80.0)
    program.begin_epoch(1)
    program.draw()
    with torch.no_grad():
        program.gradient(torch.tensor([[0], [1], [2]]).unbind(0), None)
    assert torch.isfinite(program.mean.grad).all()
    assert torch.isfinite(program.log_scale.grad).all()
    assert float(program.mean.grad[0, 3, 0]) == pytest.approx(8.0, rel=1e-2)


def test_dimensions_are_counted_as_benjamini_and_hochberg_do():
    program = ViceProgram(
        [torch.Generator().manual_seed(0)],
        4,
        dimensions=2,
        trials=10,
        spike=0.25,
        slab=1.0,
        share=0.5,
        learning_rate=0.1,
        significant=2,
        level=0.05,
    )
    program.log_scale.zero_()
    # p = 0.0001, 0.0228, 0.0359, 0.5 against 0.0125, 0.025, 0.0375, 0.05: three; in the other column only 0.0001 holds
    program.mean.copy_(torch.tensor([[[3.719, 3.719], [2.0, 1.8], [1.8, 1.7], [0.0, 0.0]]]))
    assert program.kept().tolist() == [[True, False]]


def test_saved_embeddings_come_back_whole(fitted, tmp_path):
    again = OddOneOutEmbedding.load(fitted.save(tmp_path / "people.safetensors"))
    np.testing.assert_array_equal(again.mean, fitted.mean)
    np.testing.assert_array_equal(again.runs[1].scale, fitted.runs[1].scale)
    np.testing.assert_array_equal(again.trace.held_out, fitted.trace.held_out)
    assert str(again) == str(fitted)
    assert again.options == fitted.options
    assert again.trials == fitted.trials


def test_published_files_are_read(fitted, tmp_path):
    np.savez(tmp_path / "pruned_params.npz", pruned_loc=fitted.mean, pruned_scale=fitted.scale)
    np.save(tmp_path / "spose.npy", fitted.weights)
    vice = OddOneOutEmbedding.load(tmp_path / "pruned_params.npz", objects=fitted.objects)
    spose = OddOneOutEmbedding.load(tmp_path / "spose.npy", objects=fitted.objects)
    np.testing.assert_array_equal(vice.scale, fitted.scale)
    assert (vice.method, spose.method, spose.scale) == ("VICE", "SPoSE", None)
    np.testing.assert_array_equal(spose.weights, vice.weights)


def test_few_steps_are_not_taken_for_rest(people):
    small = people[1].take(slice(0, 256))
    method = VICE(dimensions=5, epochs=30, burn_in=0, window=10, tolerance=1.0, learning_rate=1e-3, validation=0, significant=0, level=0.9)
    result = method.fit(small)
    assert not result.trace.settled
    assert str(result).endswith("not settled after 30 epochs")
    assert VICE(**(QUICK | {"tolerance": 1.0, "window": 10})).fit(people[1]).trace.epochs[-1] < 60
