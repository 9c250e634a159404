"""Pooling and count-sketches."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from isomorph.errors import InputError
from isomorph.models._reduce import CannotPoolError, pooled
from isomorph.models._reduce_sketch import CountSketch, next_prime, random_signs, signs_needed, sketch_width

MAP = torch.randn(2, 3, 4, 5)
TOKENS = torch.randn(2, 6, 3)


@pytest.mark.parametrize(
    ("tensor", "pool", "expected"),
    [
        (MAP, "flatten", MAP.flatten(1)),
        (MAP, "mean", MAP.mean((2, 3))),
        (MAP, "max", MAP.amax((2, 3))),
        (TOKENS, "flatten", TOKENS.flatten(1)),
        (TOKENS, "mean", TOKENS.mean(1)),
        (TOKENS, "max", TOKENS.amax(1)),
        (TOKENS, "cls", TOKENS[:, 0]),
        (TOKENS, "tokens", TOKENS[:, 1:].mean(1)),
        (TOKENS[:, 0], "mean", TOKENS[:, 0]),
        (TOKENS[:, 0, 0], "flatten", TOKENS[:, 0, :1]),
    ],
)
def test_pooling(tensor, pool, expected):
    assert torch.equal(pooled(tensor, pool, items=2), expected)


def test_maps_whose_channels_stand_last():
    tensor = torch.randn(2, 7, 7, 5)
    assert torch.equal(pooled(tensor, "mean", items=2), tensor.mean((1, 2)))


def test_padding_takes_no_part():
    mask = torch.tensor([[1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 1, 1]]).bool()
    assert torch.allclose(pooled(TOKENS, "mean", items=2, mask=mask)[0], TOKENS[0, :3].mean(0))
    assert torch.equal(pooled(TOKENS, "max", items=2, mask=mask)[0], TOKENS[0, :3].amax(0))
    assert torch.allclose(pooled(TOKENS, "tokens", items=2, mask=mask)[0], TOKENS[0, 1:3].mean(0))


def test_registers_are_no_picture():
    assert torch.equal(pooled(TOKENS, "tokens", items=2, prefix_tokens=5), TOKENS[:, 5])


@pytest.mark.parametrize(
    ("tensor", "pool"), [(torch.ones(3, 4), "flatten"), (torch.tensor(1.0), "flatten"), (torch.ones(2, 3).long(), "mean"), (MAP, "cls")]
)
def test_what_cannot_be_pooled(tensor, pool):
    with pytest.raises(CannotPoolError):
        pooled(tensor, pool, items=2)


def test_half_precision_becomes_float32():
    assert pooled(MAP.bfloat16(), "mean", items=2).dtype == torch.float32


@pytest.mark.parametrize(("n", "k"), [(92, 3875), (500, 5326), (515, 5352), (872, 5803), (1000, 5920)])
def test_the_width_of_a_sketch_follows_johnson_and_lindenstrauss(n, k):
    assert sketch_width(n) == k


@pytest.mark.parametrize("epsilon", [0, 1, -1])
def test_epsilon_lies_between_0_and_1(epsilon):
    with pytest.raises(InputError):
        sketch_width(10, epsilon=epsilon)


def dense(sketch, features):
    """The sketch as a matrix, from its effect on each feature alone."""
    return sketch(torch.eye(features)).numpy()


def test_every_feature_goes_to_one_column_with_one_sign():
    matrix = dense(CountSketch("a", 103, width=10), 103)
    assert (np.abs(matrix).sum(1) == 1).all()
    assert (np.count_nonzero(matrix, axis=1) == 1).all()


def test_columns_and_signs_are_spread_evenly():
    matrix = dense(CountSketch("a", 6400, width=16), 6400)
    assert abs(matrix.sum()) < 5 * np.sqrt(6400)
    columns = np.bincount(np.abs(matrix).argmax(1), minlength=16)
    assert columns.tolist() == [377 + 376] + 7 * [377] + 8 * [376]  # 6400 = 376 × 17 + 8; the 17th column is added to the first


def test_seed_and_layer_decide_the_sketch():
    one = dense(CountSketch("a", 60, width=8, seed=1), 60)
    assert np.array_equal(one, dense(CountSketch("a", 60, width=8, seed=1), 60))
    assert not np.array_equal(one, dense(CountSketch("b", 60, width=8, seed=1), 60))
    assert not np.array_equal(one, dense(CountSketch("a", 60, width=8, seed=2), 60))


def test_a_sketch_does_not_depend_on_the_machine():
    matrix = dense(CountSketch("layer", 12, width=5, seed=0), 12)
    column_and_sign = (np.abs(matrix).argmax(1) + 1) * np.sign(matrix.sum(1))
    assert column_and_sign.tolist() == [-1, -2, 3, -4, -5, -1, 2, -3, 4, -5, 1, -2]


def test_inner_products_are_kept_on_average_with_the_variance_of_independent_draws():
    rng = np.random.default_rng(0)
    x, y = torch.from_numpy(rng.normal(size=(2, 1, 700)).astype(np.float32) + 0.3)
    width, exact = 50, float(x @ y.T)
    products = [float(sketch(x) @ sketch(y).T) for seed in range(400) if (sketch := CountSketch("a", 700, width=width, seed=seed))]
    bound = float((x @ x.T) * (y @ y.T) + exact**2) / width
    assert abs(np.mean(products) - exact) < 4 * np.sqrt(bound / 400)
    assert np.var(products) < 1.3 * bound


def test_a_channel_that_outweighs_all_others_costs_no_more_variance():
    """The channel has the period of the sketch's width: without the prime it would fall into one column."""
    x = 0.1 * torch.rand(1, 64 * 65)
    x[:, 5::64] = 10
    products = [float(each @ each.T) for seed in range(300) for each in [CountSketch("a", 64 * 65, width=64, seed=seed)(x)]]
    exact = float(x @ x.T)
    bound = 2 * exact**2 / 64
    assert abs(np.mean(products) - exact) < 4 * np.sqrt(bound / 300)
    assert np.var(products) < 1.3 * bound


@pytest.mark.parametrize(("number", "prime"), [(1, 2), (2, 2), (3, 3), (4, 5), (24, 29), (3875, 3877)])
def test_next_prime(number, prime):
    assert next_prime(number) == prime


def test_layers_share_signs_and_are_not_sketched_alike():
    signs = random_signs(3, signs_needed(400))
    x = torch.randn(2, 300)
    for layer in "ab":
        alone, shared = CountSketch(layer, 300, width=20, seed=3), CountSketch(layer, 300, width=20, signs=signs)
        assert torch.equal(alone(x), shared(x))
    assert not torch.equal(CountSketch("a", 300, width=20, signs=signs)(x), CountSketch("b", 300, width=20, signs=signs)(x))


def test_a_layer_between_the_width_and_its_prime():
    assert np.count_nonzero(dense(CountSketch("a", 26, width=24), 26)) == 26


def test_narrow_layers_stay_as_they_are():
    x = torch.randn(3, 20)
    assert torch.equal(CountSketch("a", 20, width=20)(x), x)


def test_rows_are_sketched_alone():
    x, sketch = torch.randn(5, 300), CountSketch("a", 300, width=20)
    assert torch.equal(sketch(x)[2:4], sketch(x[2:4]))
