"""The losses: printed digits, an independent form, finite gradients, what re-ordering does."""

import math

import numpy as np
import pytest
import torch

from isomorph.alignet import TripletLoss, triplet_accuracy

Z = torch.tensor([[10, 0, 5], [8, 4, 3], [-2, 6, 9]], dtype=torch.float64)
S = torch.tensor([[2, 1, 0.5]], dtype=torch.float64)
ITEMS = torch.tensor([[0, 1, 2]])


@pytest.mark.parametrize(("kind", "value"), [("kl", 0.0556359750), ("jsd", 0.0146515161), ("contrastive", 0.7155918733)])
def test_digits_of_the_specification(kind, value):
    assert float(TripletLoss(kind=kind)(Z, ITEMS, S)) == pytest.approx(value, abs=1e-10)


def by_definition(kind, d, s, temperature):
    p, q = (np.exp(each - each.max()) / np.exp(each - each.max()).sum() for each in (s, d / temperature))
    m = (p + q) / 2
    return {
        "kl": (p * np.log(p / q)).sum(),
        "jsd": 0.5 * (p * np.log(p / m)).sum() + 0.5 * (q * np.log(q / m)).sum(),
        "contrastive": -np.log(q[0]),
    }[kind]


@pytest.mark.parametrize("kind", ["kl", "jsd", "contrastive"])
@pytest.mark.parametrize("normalise", [False, True])
def test_equal_the_plain_formula(kind, normalise):
    rng = np.random.default_rng(0)
    z, s = rng.normal(size=(9, 5)), rng.normal(size=(20, 3))
    items = np.array([rng.permutation(9)[:3] for _ in range(20)])
    loss = TripletLoss(kind=kind, temperature=0.7, normalise=normalise)
    got = float(loss(torch.tensor(z), torch.tensor(items), torch.tensor(s)))
    unit = z / np.linalg.norm(z, axis=1, keepdims=True) if normalise else z
    dots = [[unit[a] @ unit[b] for a, b in ((i, j), (i, k), (j, k))] for i, j, k in items]
    want = np.mean([by_definition(kind, np.array(d), each, 0.7) for d, each in zip(dots, s, strict=True)])
    assert got == pytest.approx(want, abs=1e-12)


@pytest.mark.parametrize("kind", ["kl", "jsd", "contrastive"])
def test_gradient_equals_finite_differences(kind):
    z = Z.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda each: TripletLoss(kind=kind, temperature=30)(each, ITEMS, S), z)


@pytest.mark.parametrize("kind", ["kl", "jsd", "contrastive"])
def test_finite_where_softmaxes_saturate(kind):
    z = (Z * 30).clone().requires_grad_()
    loss = TripletLoss(kind=kind, temperature=1.0)(z, ITEMS, torch.tensor([[1000.0, 0.0, -1000.0]], dtype=torch.float64))
    loss.backward()
    assert math.isfinite(float(loss.detach()))
    assert torch.isfinite(z.grad).all()


def test_zeros_in_the_target():
    z = Z.clone().requires_grad_()
    target = torch.tensor([[0.0, -math.inf, -math.inf]], dtype=torch.float64)
    for kind in ("kl", "jsd"):
        loss = TripletLoss(kind=kind)(z, ITEMS, target)
        (slope,) = torch.autograd.grad(loss, z)
        assert math.isfinite(float(loss.detach()))
        assert torch.isfinite(slope).all()
    assert float(TripletLoss(kind="kl")(Z, ITEMS, target)) == pytest.approx(float(TripletLoss(kind="contrastive")(Z, ITEMS, target)))


def test_bounds():
    d = torch.randn(1000, 3, dtype=torch.float64) * 50
    s = torch.randn(1000, 3, dtype=torch.float64) * 50
    each = TripletLoss(temperature=1.0).of_dots(d, s)
    assert float(each.min()) >= -1e-12
    assert float(each.max()) <= math.log(2) + 1e-12
    assert float(TripletLoss(temperature=1.0).of_dots(s, s).abs().max()) < 1e-12


@pytest.mark.parametrize("order", [(0, 2, 1), (1, 0, 2), (2, 1, 0), (1, 2, 0)])
def test_re_ordering_changes_the_contrastive_loss_alone(order):
    pairs = {frozenset((0, 1)): 0, frozenset((0, 2)): 1, frozenset((1, 2)): 2}
    columns = [pairs[frozenset((order[a], order[b]))] for a, b in ((0, 1), (0, 2), (1, 2))]
    items, s = ITEMS[:, list(order)], S[:, columns]
    for kind in ("kl", "jsd"):
        assert float(TripletLoss(kind=kind)(Z, items, s)) == pytest.approx(float(TripletLoss(kind=kind)(Z, ITEMS, S)), abs=1e-12)
    changed = float(TripletLoss(kind="contrastive")(Z, items, s)) != pytest.approx(0.7155918733, abs=1e-6)
    assert changed == (columns[0] != 0)


def test_accuracy_calls_a_tie_for_the_top_wrong():
    dots = torch.tensor([[3.0, 1, 2], [2, 2, 1], [2, 1, 2], [1, 1, 1], [1, 2, 0]])
    assert triplet_accuracy(dots).tolist() == [True, False, False, False, False]


@pytest.mark.parametrize("kind", ["kl", "contrastive"])
def test_what_unit_length_can_reach(kind):
    peaked = torch.tensor([[5.0, 0.0, 0.0], [0.0, 1.0, -2.0]], dtype=torch.float64)
    for temperature in (100.0, 1.0, 0.05):
        loss = TripletLoss(kind=kind, temperature=temperature, normalise=True)
        best, uniform = loss.attainable(peaked)
        box = torch.tensor(np.stack(np.meshgrid(*[np.linspace(-1, 1, 61)] * 3), -1).reshape(-1, 3))
        searched = torch.stack([loss.of_dots(box, row.expand(len(box), 3)).min() for row in peaked]).mean()
        assert best == pytest.approx(float(searched), abs=1e-2 if temperature < 1 else 1e-3)  # the grid is coarse there
        assert best <= float(searched) + 1e-9
        assert best <= uniform
    assert TripletLoss(kind=kind).attainable(peaked)[0] == 0
