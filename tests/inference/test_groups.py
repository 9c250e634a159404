from itertools import combinations

import numpy as np
import pytest

from isomorph.inference import compare_rdms, rsa_scores

N = 14
PAIRS = N * (N - 1) // 2
RNG = np.random.default_rng(8)
ONE, OTHER = RNG.random((2, PAIRS))
APART = np.concatenate([ONE + 0.5 * RNG.random((4, PAIRS)), OTHER + 0.5 * RNG.random((5, PAIRS))])
LABELS = ["patients"] * 4 + ["controls"] * 5
MODELS = np.stack([ONE, RNG.random(PAIRS)])


def test_every_arrangement_is_looked_at_where_there_are_few():
    found = rsa_scores(MODELS, APART, n=N, groups=LABELS, permutations=1000, replicates=0).groups
    assert (found.exact, found.permutations, found.sizes) == (True, 126, (4, 5))
    per_subject, similar = compare_rdms(MODELS, APART), compare_rdms(APART, APART)
    separations, differences = [], []
    for members in combinations(range(9), 4):
        inside = np.isin(np.arange(9), members)
        same = np.equal.outer(inside, inside)[np.triu_indices(9, 1)]
        values = similar[np.triu_indices(9, 1)]
        separations.append(values[same].mean() - values[~same].mean())
        differences.append(per_subject[:, inside].mean(axis=1) - per_subject[:, ~inside].mean(axis=1))
    assert found.separation == pytest.approx(separations[0])
    assert found.p == pytest.approx(np.mean(np.array(separations) >= separations[0] - 1e-12))
    np.testing.assert_allclose(found.differences, differences[0])
    np.testing.assert_allclose(found.p_differences, (np.abs(differences) >= np.abs(differences[0]) - 1e-12).mean(axis=0))
    np.testing.assert_allclose(found.values[0] - found.values[1], found.differences)
    assert found.p == pytest.approx(1 / 126)
    assert str(found) == f"patients (4) against controls (5): separation {found.separation:.3f}, p = 0.00794"


@pytest.mark.parametrize("comparison", ["spearman", "cosine", "tau-b", "corr_cov", "bures"])
def test_groups_of_one_geometry_do_not_differ_and_others_do(comparison):
    options = {"n": N, "comparison": comparison, "groups": LABELS, "permutations": 125, "replicates": 0}
    assert rsa_scores(MODELS, APART, **options).groups.p < 0.05
    alike = ONE + 0.5 * np.random.default_rng(1).random((9, PAIRS))
    assert rsa_scores(MODELS, alike, **options).groups.p > 0.05


def test_under_no_difference_p_is_uniform():
    rng = np.random.default_rng(3)
    found = [
        rsa_scores(MODELS, ONE + rng.random((8, PAIRS)), n=N, groups=[0, 1] * 4, permutations=1000, replicates=0).groups.p
        for _ in range(100)
    ]
    assert 0.4 < np.mean(found) < 0.6
    assert np.mean(np.array(found) <= 0.1) < 0.2


def test_many_arrangements_are_drawn_by_the_seed():
    many = ONE + RNG.random((24, PAIRS))
    labels = ["a", "b"] * 12
    first, second = (rsa_scores(MODELS, many, n=N, groups=labels, permutations=99, replicates=0, seed=4).groups for _ in range(2))
    assert (first.exact, first.permutations) == (False, 100)
    assert first.p == second.p


def test_groups_are_compared_on_held_out_scores_too():
    result = rsa_scores(MODELS, APART, n=N, groups=LABELS, permutations=50, replicates=0, folds=(2, 2))
    np.testing.assert_allclose(result.groups.values[0], result.per_subject[:, :4].mean(axis=1))
