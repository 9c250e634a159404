"""The labelled tensor: what it takes, what it gives back, and that a folder holds all of it."""

import numpy as np
import pandas as pd
import pytest

from isomorph.consistency import Similarities
from isomorph.errors import FileError, IdError, InputError, NonFiniteError, ShapeError, UnknownNameError


def changed(similarities, **fields):
    given = {name: getattr(similarities, name) for name in ("values", "datasets", "measures", "models", "metadata", "performance")}
    return Similarities(**(given | fields))


def test_rounding_is_averaged_out(similarities):
    values = similarities.values.copy()
    values[0, 0, 1, 2] += 1e-9
    result = changed(similarities, values=values).values
    assert np.array_equal(result, result.swapaxes(2, 3))


def test_asymmetry_is_refused(similarities):
    values = similarities.values.copy()
    values[1, 0, 3, 5] += 0.1
    with pytest.raises(InputError, match=r"'d1' .cka. is not symmetric"):
        changed(similarities, values=values)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_lone_nan_or_infinity_is_refused(similarities, bad):
    values = similarities.values.copy()
    values[0, 1, 2, 4] = values[0, 1, 4, 2] = bad
    with pytest.raises(NonFiniteError, match="'m02' – 'm04'"):
        changed(similarities, values=values)


def test_a_missing_model_is_a_row_and_a_column_of_nan(similarities):
    values = similarities.values.copy()
    values[2, :, 3] = values[2, :, :, 3] = np.nan
    assert changed(similarities, values=values).present.sum() == 4 * 2 * 16 - 2
    values[2, 0, 3, 7] = values[2, 0, 7, 3] = 0.5
    with pytest.raises(NonFiniteError, match="'m03' has NaN on the diagonal"):
        changed(similarities, values=values)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"datasets": ("a", "b")}, ShapeError),
        ({"models": ("a",) * 16}, IdError),
        ({"values": np.zeros((4, 2, 16, 15))}, ShapeError),
        ({"values": np.zeros((16, 16))}, ShapeError),
        ({"performance": np.zeros((4, 3))}, ShapeError),
        ({"n": (10, 10)}, ShapeError),
        ({"n": (10, 10, 0, 10)}, InputError),
        ({"widths": (3,)}, ShapeError),
        ({"standard_errors": -np.ones((4, 2, 16, 16))}, NonFiniteError),
    ],
)
def test_what_does_not_fit_is_refused(similarities, fields, error):
    with pytest.raises(error):
        changed(similarities, **fields)


def test_metadata_meets_models_by_name(similarities):
    shuffled = similarities.metadata.sample(frac=1, random_state=0)
    extra = pd.concat([shuffled, pd.DataFrame({"kind": ["none"], "size": [0.0]}, index=["other"])])
    assert changed(similarities, metadata=extra).metadata.equals(similarities.metadata)
    with pytest.raises(IdError, match="'m00'"):
        changed(similarities, metadata=similarities.metadata.iloc[1:])


def test_take_keeps_order_and_labels(similarities):
    full = changed(similarities, n=(10, 20, 30, 40), domains=("x", "y", "x", "y"), widths=tuple(range(1, 17)))
    part = full.take(datasets=("d2", "d0"), measures=("rsa",), models=("m05", "m01"))
    assert part.values[0, 0, 0, 1] == full.values[2, 1, 5, 1]
    assert (part.n, part.domains, part.widths) == ((30, 10), ("x", "x"), (6, 2))
    assert list(part.metadata["size"]) == [50.0, 10.0]
    assert part.performance[1, 0] == full.performance[0, 5]
    with pytest.raises(UnknownNameError, match="'d9'"):
        full.take(datasets=("d9",))


def test_to_long_has_every_pair_once(similarities):
    values = similarities.values.copy()
    values[1, :, 0] = values[1, :, :, 0] = np.nan
    long = changed(similarities, values=values).to_long(columns=["kind"])
    assert len(long) == 2 * (3 * 120 + 105)
    assert not long.duplicated(["measure", "dataset", "model_a", "model_b"]).any()
    row = long[(long["measure"] == "rsa") & (long["dataset"] == "d3") & (long["model_a"] == "m02") & (long["model_b"] == "m09")].iloc[0]
    assert row["similarity"] == values[3, 1, 2, 9]
    assert (row["kind_a"], row["kind_b"]) == ("red", "blue")


def test_a_folder_holds_everything(similarities, tmp_path):
    table = similarities.metadata.assign(tag=["007", "NA", None, "x, y", *"abcdefghijkl"])
    errors = np.abs(similarities.values) / 10
    full = changed(
        similarities, metadata=table, n=(10, 20, 30, 40), domains=tuple("xyxy"), widths=tuple(range(1, 17)), standard_errors=errors
    )
    loaded = Similarities.load(full.save(tmp_path / "kept"))
    for name in ("values", "performance", "standard_errors"):
        assert np.array_equal(getattr(loaded, name), getattr(full, name))
    for name in ("datasets", "measures", "models", "n", "widths", "domains"):
        assert getattr(loaded, name) == getattr(full, name)
    assert list(loaded.metadata["tag"][:2]) == ["007", "NA"]
    assert loaded.metadata["tag"].isna().sum() == 1
    assert loaded.metadata["size"].equals(full.metadata["size"])


def test_what_is_unknown_stays_unknown_in_a_folder(similarities, tmp_path):
    similarities.save(tmp_path)
    plain = Similarities(similarities.values, similarities.datasets, similarities.measures, similarities.models)
    loaded = Similarities.load(plain.save(tmp_path))
    assert loaded.performance is None
    assert loaded.metadata is None


def test_a_damaged_folder_says_so(similarities, tmp_path):
    with pytest.raises(FileError, match="not a folder of saved similarities"):
        Similarities.load(tmp_path)
    similarities.save(tmp_path)
    (tmp_path / "similarities.json").write_text("{")
    with pytest.raises(FileError, match="are damaged"):
        Similarities.load(tmp_path)
    similarities.save(tmp_path)
    (tmp_path / "values.npy").write_bytes((tmp_path / "values.npy").read_bytes()[:-8])
    with pytest.raises(FileError, match=r"values\.npy"):
        Similarities.load(tmp_path)
