"""Losses and gradients of affine alignment: the specification's fixture, finite differences, autograd, both routes."""

import numpy as np
import pytest
import torch

from isomorph.alignment import objective, penalty
from isomorph.alignment._triplet_loss import pair_similarities, triplet_loss

X = np.array([[1, 2], [3, -1], [0, 1], [2, 2.0]])
W, B = np.array([[0.5, 0.1], [-0.2, 0.3]]), np.array([0.1, -0.1])
ITEMS, F = np.array([[0, 3, 1], [2, 0, 1]]), np.array([[1, 0], [0.5, 1], [-1, 2], [2, 1.0]])


def test_the_fixture():
    assert X.mean() == 1.25
    assert X.std() == pytest.approx(1.1989578808, abs=1e-9)
    found = objective(W, B, (X - X.mean()) / X.std(), ITEMS, preserve=F, alpha=0.25, strength=0.1, tau=1.0)
    assert found.odd_one_out == pytest.approx(1.0398488843, abs=1e-9)
    assert found.neighbourhood == pytest.approx(1.0510140530, abs=1e-9)
    assert found.neighbourhood_floor == pytest.approx(1.0274002832, abs=1e-9)
    assert found.penalty == pytest.approx(0.07, abs=1e-12)
    assert penalty("frobenius", W)[0] == pytest.approx(0.6244997998, abs=1e-9)
    assert penalty("frobenius_sq", W)[0] == pytest.approx(0.39, abs=1e-12)
    assert found.value == pytest.approx(1.0496401765, abs=1e-9)


def problem(n, trials, scale=1.0, seed=0):
    rng = np.random.default_rng(seed)
    x, weights, bias = rng.normal(size=(n, 5)), scale * rng.normal(size=(5, 5)), rng.normal(size=5) * 0.3
    items = np.stack([rng.permutation(n)[:3] for _ in range(trials)])
    return x, weights, bias, items, rng.dirichlet([1, 1, 1], trials), rng.normal(size=(9, 5))


@pytest.mark.parametrize("regulariser", ["scaled_identity_sum", "frobenius_sq", "frobenius", "none"])
@pytest.mark.parametrize(("n", "trials"), [(10, 40), (60, 20)])  # read out of a Gram matrix; gathered row by row
def test_gradient_by_finite_differences(regulariser, n, trials):
    x, weights, bias, items, targets, f = problem(n, trials)
    options = {"targets": targets, "preserve": f, "alpha": 0.25, "strength": 0.1, "tau": 0.2, "temperature": 0.7}

    def at(step):
        return objective(weights + step * along, bias + step * shift, x, items, regulariser=regulariser, **options)

    rng = np.random.default_rng(1)
    along, shift = rng.normal(size=weights.shape), rng.normal(size=bias.shape)
    slope = (at(1e-5).value - at(-1e-5).value) / 2e-5
    assert (at(0).weights * along).sum() + (at(0).bias * shift).sum() == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("temperature", [1.0, 1e-3])  # 1e-3: logits in the thousands
def test_gradient_against_autograd(temperature):
    x, weights, bias, items, targets, f = problem(12, 60, scale=2.0)
    targets[:20] = [0, 1, 0]  # zeros in the target
    found = objective(weights, bias, x, items, targets=targets, preserve=f, alpha=0.3, strength=0.2, tau=0.1, temperature=temperature)
    w, b = torch.tensor(weights, requires_grad=True), torch.tensor(bias, requires_grad=True)
    e, kept = torch.tensor(x) @ w + b, torch.tensor(f) @ w + b
    one, two, three = (e[items[:, column]] for column in range(3))
    s = torch.stack([(one * two).sum(1), (one * three).sum(1), (two * three).sum(1)], 1) / temperature
    chosen = -(torch.tensor(targets) * torch.log_softmax(s, 1)).sum(1).mean()
    units = torch.nn.functional.normalize(kept)
    teacher = torch.nn.functional.normalize(torch.tensor(f))
    wanted, logits = ((each @ each.T / 0.1).fill_diagonal_(-1e30) for each in (teacher, units))
    local = -(torch.softmax(wanted, 1) * torch.log_softmax(logits, 1)).sum(1).mean()
    pull = ((w - w.diagonal().mean() * torch.eye(5, dtype=w.dtype)) ** 2).sum()
    total = 0.7 * chosen + 0.3 * local + 0.2 * pull
    total.backward()
    assert found.value == pytest.approx(total.item(), rel=1e-10)
    np.testing.assert_allclose(found.weights, w.grad.numpy(), rtol=1e-8, atol=1e-9 * np.abs(w.grad.numpy()).max())
    np.testing.assert_allclose(found.bias, b.grad.numpy(), rtol=1e-8, atol=1e-9 * np.abs(b.grad.numpy()).max())


def test_saturated_inputs_stay_finite():
    x, weights, _, items, _, f = problem(12, 60)
    found = objective(weights * 1e3, None, x, items, preserve=f, alpha=0.5, tau=0.01)
    assert np.isfinite([found.value, *found.weights.ravel()]).all()


def test_both_routes_agree_and_objects_outside_the_batch_cost_nothing():
    x, _, _, items, targets, _ = problem(200, 30)
    wide, gradient = triplet_loss(x, items, targets=targets)  # 200 objects, few shown: gathered
    shown = np.unique(items)
    many = np.concatenate([np.searchsorted(shown, items)] * 200)
    dense, slope = triplet_loss(x[shown], many, targets=np.concatenate([targets] * 200))  # one Gram matrix
    assert wide == pytest.approx(dense, rel=1e-12)
    np.testing.assert_allclose(gradient[shown], slope, atol=1e-12)
    assert not gradient[np.setdiff1d(np.arange(200), shown)].any()
    direct = np.stack([(x[items[:, a]] * x[items[:, b]]).sum(1) for a, b in ((0, 1), (0, 2), (1, 2))])
    np.testing.assert_allclose(pair_similarities(x, items), direct, atol=1e-12)


def test_one_hot_choices_are_soft_choices_of_certainty():
    x, weights, bias, items, _, _ = problem(12, 60)
    certain = np.tile([1.0, 0, 0], (60, 1))
    one, two = objective(weights, bias, x, items), objective(weights, bias, x, items, targets=certain)
    assert one.value == pytest.approx(two.value, rel=1e-12)
    np.testing.assert_allclose(one.weights, two.weights, atol=1e-12)
