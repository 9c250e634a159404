"""Similarity against difference in performance."""

import numpy as np
import pytest
from scipy import stats

from isomorph.consistency import Consistency, Similarities, load_performance
from isomorph.errors import IdError, InputError

SCIPY = {"pearson": stats.pearsonr, "spearman": stats.spearmanr}


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_gap_is_its_definition(similarities, method):
    gap = Consistency(method=method, replicates=0, permutations=0)(similarities).gap
    assert len(gap) == 8
    first, second = np.triu_indices(16, 1)
    for _, row in gap.iterrows():
        d, k = similarities.datasets.index(row["dataset"]), similarities.measures.index(row["measure"])
        performance = similarities.performance[d]
        expected = SCIPY[method](similarities.values[d, k, first, second], np.abs(performance[first] - performance[second])).statistic
        assert row["r"] == pytest.approx(expected, abs=1e-12)


def test_a_gap_that_is_there_is_found_and_one_that_is_not_is_not():
    rng = np.random.default_rng(0)
    performance = rng.random((2, 24))
    noise = rng.normal(size=(2, 1, 24, 24)) * 0.3
    values = (noise + noise.swapaxes(2, 3)) / 2
    values[0, 0] -= np.abs(performance[0][:, None] - performance[0][None, :])
    found = Consistency(replicates=200, permutations=199)(
        Similarities(values, ("there", "absent"), ("cka",), tuple(map(str, range(24))), performance=performance)
    ).gap.set_index("dataset")
    assert found.loc["there", "r"] < -0.5
    assert found.loc["there", "high"] < 0
    assert found.loc["there", "p"] == 1 / 200
    assert found.loc["absent", "low"] < 0 < found.loc["absent", "high"]
    assert found.loc["absent", "p"] > 0.05
    assert found.loc["there", "p_fdr"] == pytest.approx(2 / 200)


def test_unknown_performance_leaves_the_model_out(similarities):
    performance = similarities.performance.copy()
    performance[1, :3] = np.nan
    performance[2, 2:] = np.nan
    part = Similarities(similarities.values, similarities.datasets, similarities.measures, similarities.models, performance=performance)
    gap = Consistency(replicates=10, permutations=10)(part).gap
    assert gap["model_pairs"].tolist() == [120, 78, 1, 120] * 2
    assert gap["r"].isna().tolist() == [False, False, True, False] * 2


def test_without_performance_there_is_no_gap(similarities):
    plain = Similarities(similarities.values, similarities.datasets, similarities.measures, similarities.models)
    assert Consistency(replicates=0, permutations=0)(plain).gap is None


def test_performance_from_a_long_table(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("model,dataset,seed,top1\n7,a,0,0.5\n7,a,1,0.7\nvit,b,0,0.9\nother,c,0,0.1\n")
    found = load_performance(path, datasets=["b", "a"], models=["7", "vit"], column="top1")
    assert np.array_equal(found, [[np.nan, 0.9], [0.6, np.nan]], equal_nan=True)
    with pytest.raises(InputError, match="it has 'seed', 'top1'"):
        load_performance(path, datasets=["a"], models=["7"])
    with pytest.raises(InputError, match="no column 'top5'"):
        load_performance(path, datasets=["a"], models=["7"], column="top5")
    with pytest.raises(IdError, match="begins with 'a' and '7', wanted are 'z' and 'vit'"):
        load_performance(path, datasets=["z"], models=["vit"], column="top1")
