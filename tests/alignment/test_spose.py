"""Simulated people whose dimensions are known: SPoSE finds them, and what it shares with VICE holds."""

import numpy as np
import pytest
import torch

from isomorph.alignment import SPoSE
from isomorph.alignment._dimensions import explained_shares
from isomorph.alignment._odd_one_out_embedding_gradient import add_choice_gradient
from isomorph.alignment._posterior import choice_posterior, choice_surprise
from isomorph.alignment._reproducibility import reproducibility
from isomorph.alignment._spose_program import SposeProgram
from isomorph.judgments import PAIRS, Triplets

QUICK = {"dimensions": 12, "learning_rate": 0.02, "epochs": 40, "burn_in": 10, "window": 10}


def simulated(objects=48, width=4, trials=12_000, seed=0):
    """People with non-negative sparse dimensions who choose by softmax: the dimensions, trials, and the true chances of the pairs."""
    rng = np.random.default_rng(seed)
    x = rng.gamma(2.0, 0.7, size=(objects, width)) * (rng.random((objects, width)) < 0.35)
    shown = rng.permuted(np.tile(np.arange(objects), (trials, 1)), axis=1)[:, :3]
    logits = np.stack([(x[shown[:, one]] * x[shown[:, two]]).sum(axis=1) for one, two in PAIRS], axis=1)
    chances = np.exp(logits - logits.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    kept = (chances.cumsum(axis=1) < rng.random((trials, 1))).sum(axis=1)
    order = np.array([[0, 1, 2], [0, 2, 1], [1, 2, 0]])[kept]
    names = tuple(f"thing {each}" for each in range(objects))
    return x, Triplets(items=np.take_along_axis(shown, order, axis=1), objects=names), Triplets(items=shown, objects=names), chances


@pytest.fixture(scope="module")
def people():
    return simulated()


@pytest.fixture(scope="module")
def fitted(people):
    return SPoSE(**QUICK, penalty=0.05, seeds=(0, 1)).fit(people[1])


def test_known_dimensions_are_recovered(people, fitted):
    best = np.corrcoef(people[0].T, fitted.weights.T)[:4, 4:].max(axis=1)
    assert (best > 0.8).mean() >= 0.8, best
    assert 4 <= fitted.width <= 6
    assert fitted.scale is None
    assert (fitted.mean >= 0).all()


def test_held_out_loss_is_near_the_true_one_and_far_from_chance(people, fitted):
    truth = -(people[3] * np.log(people[3])).sum(axis=1).mean()
    assert truth - 0.03 < fitted.held_out < truth + 0.06 < np.log(3) - 0.1


def test_best_run_is_handed_over_with_all_runs(fitted):
    assert [each.seed for each in fitted.runs] == [0, 1]
    assert fitted.held_out == min(each.held_out for each in fitted.runs)
    totals = fitted.weights.sum(axis=0)
    assert (np.diff(totals) <= 0).all()
    assert "found again" in str(fitted)


def test_runs_that_learn_together_come_out_as_if_alone(people):
    method = SPoSE(**(QUICK | {"epochs": 3}), seeds=(5, 6))
    both = method.fit(people[1])
    alone = SPoSE(**(QUICK | {"epochs": 3}), seeds=(6,)).fit(people[1])
    np.testing.assert_allclose(both.runs[1].mean, alone.mean, atol=1e-5)
    np.testing.assert_array_equal(method.fit(people[1]).mean, both.mean)
    assert not np.allclose(both.runs[0].mean[:, 0], both.runs[1].mean[:, 0])


@pytest.mark.parametrize("shares", [False, True])
def test_gradient_is_that_of_autograd_and_of_finite_differences(shares):
    runs, objects, batch = 2, 7, 9
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(runs * objects, 3, generator=generator, dtype=torch.float64).requires_grad_()
    items = torch.stack([torch.randperm(objects, generator=generator)[:3] + run * objects for run in range(runs) for _ in range(batch)], 1)
    soft = torch.rand(3, runs * batch, generator=generator, dtype=torch.float64).softmax(0) if shares else None

    def losses(at):
        one, two, odd = (at[each] for each in items)
        logs = torch.log_softmax(torch.stack([(one * two).sum(1), (one * odd).sum(1), (two * odd).sum(1)]), 0)
        return -(logs[0] if soft is None else (logs * soft).sum(0)).view(runs, batch).mean(1)

    losses(x).sum().backward()
    gradient = torch.zeros_like(x)
    with torch.no_grad():
        loss = add_choice_gradient(x, items.unbind(0), gradient, runs=runs, soft=soft)
        torch.testing.assert_close(loss, losses(x), atol=1e-12, rtol=0)
        torch.testing.assert_close(gradient, x.grad, atol=1e-12, rtol=0)
        step = torch.zeros_like(x)
        step[4, 1] = 1e-6
        assert float((losses(x + step) - losses(x - step)).sum() / 2e-6) == pytest.approx(float(gradient[4, 1]), abs=1e-8)


def test_penalty_pulls_every_weight_alike():
    program = SposeProgram([torch.Generator().manual_seed(0)], 5, dimensions=2, penalty=0.5, threshold=0.1, learning_rate=0.1)
    with torch.no_grad():
        program.gradient(torch.tensor([[0], [1], [2]]).unbind(0), None)
    assert torch.equal(program.weights.grad[0, 3:], torch.full((2, 2), 0.1))


def test_soft_choices_are_the_target(people):
    _, _, shown, chances = people
    method = SPoSE(**(QUICK | {"epochs": 15}), penalty=0.05)
    soft = method.fit(Triplets(items=shown.items, objects=shown.objects, soft=chances))
    np.testing.assert_allclose(soft.posterior(shown).probabilities, chances, atol=0.45)
    assert np.abs(soft.posterior(shown).probabilities - chances).mean() < 0.05


def test_dimensions_say_what_they_are_about(people, fitted):
    described = fitted.dimensions(people[1], top=3)
    assert sum(each.share for each in described) == pytest.approx(1)
    first = described[0]
    assert first.top[0] == (fitted.objects[int(fitted.weights[:, 0].argmax())], pytest.approx(fitted.weights[:, 0].max()))
    assert first.gain > 0.01
    assert first.reproducibility > 0.8
    assert str(first).startswith("dimension 0: ")


def test_shares_of_choices_by_hand():
    weights = np.array([[2.0, 0], [2, 0], [0, 1], [0, 1]])
    items = np.array([[0, 1, 2], [2, 3, 0], [2, 3, 1], [0, 2, 1]])  # the last is foretold wrongly
    np.testing.assert_allclose(explained_shares(weights, items), [1 / 3, 2 / 3])


def test_posterior_by_hand():
    mean = np.array([[1.0], [1.0], [-3.0]])
    result = choice_posterior(mean, None, np.array([[0, 1, 2]]), draws=50, seed=0)
    expected = np.array([np.e, 1, 1]) / (np.e + 2)
    np.testing.assert_allclose(result.probabilities, [expected], atol=1e-12)
    np.testing.assert_allclose(result.entropy, -(expected * np.log(expected)).sum())
    assert result.draws == 1
    assert result.entropy == pytest.approx(result.expected_entropy)
    assert choice_surprise(mean.clip(0), np.array([[0, 1, 2]]), None) == pytest.approx(-np.log(expected[0]))


def test_matching_on_one_half_leaves_no_luck():
    rng = np.random.default_rng(1)
    x, unrelated = rng.random((200, 3)), rng.random((200, 300))
    again = np.column_stack([x[:, 2] * 3, x[:, 0] + 1, rng.random(200)])
    found = reproducibility(x, [again])
    np.testing.assert_allclose(found.values[[0, 2]], 1)
    assert abs(reproducibility(x, [unrelated]).values.mean()) < 0.1
    assert found.share == pytest.approx(2 / 3)
