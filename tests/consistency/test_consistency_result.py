"""The result: heat-map matrices, and a folder that holds it."""

import numpy as np
import pandas as pd
import pytest

from isomorph.consistency import Consistency, ConsistencyResult
from isomorph.errors import FileError, InputError


@pytest.fixture
def result(similarities):
    return Consistency(replicates=20, permutations=19)(similarities, by="kind")


def test_a_matrix_is_symmetric_with_ones_on_the_diagonal(result):
    square = result.matrix(measure="rsa", set_a="red", set_b="blue")
    assert np.array_equal(square, square.T)
    assert np.array_equal(np.diag(square), np.ones(4))
    row = result.pairs[(result.pairs["measure"] == "rsa") & (result.pairs["set_a"] == "blue") & (result.pairs["set_b"] == "red")].iloc[3]
    assert square.loc[row["dataset_b"], row["dataset_a"]] == row["r"]
    assert np.isnan(np.diag(result.matrix(column="p"))).all()
    with pytest.raises(InputError, match="no consistency of 'red' and 'pink' by 'cka'"):
        result.matrix(measure="cka", set_a="red", set_b="pink")


def test_a_folder_holds_the_result(result, tmp_path):
    loaded = ConsistencyResult.load(result.save(tmp_path / "kept"))
    for name in ("pairs", "summary", "gap"):
        pd.testing.assert_frame_equal(getattr(loaded, name), getattr(result, name), check_dtype=False)
    assert loaded.options == result.options
    result.gap = None
    assert ConsistencyResult.load(result.save(tmp_path / "kept")).gap is None


def test_a_damaged_folder_says_so(result, tmp_path):
    result.save(tmp_path)
    (tmp_path / "options.json").write_text("[")
    with pytest.raises(FileError, match=r"options\.json is damaged"):
        ConsistencyResult.load(tmp_path)
    (tmp_path / "pairs.csv").unlink()
    with pytest.raises(FileError, match=r"pairs\.csv is missing"):
        ConsistencyResult.load(tmp_path)
