"""Similarity matrices from arrays, tables and files; models meet by name."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from isomorph.consistency import Similarities, load_metadata
from isomorph.errors import FileError, IdError, InputError, ShapeError

NAMES = ["vgg", "vit", "mae"]
MATRIX = np.array([[1.0, 0.2, 0.3], [0.2, 1.0, 0.6], [0.3, 0.6, 1.0]])


def write(path, kind):
    table = pd.DataFrame(MATRIX, index=NAMES, columns=NAMES)
    if kind == "csv":
        table.to_csv(path / "x.csv")
    elif kind == "parquet":
        table.to_parquet(path / "x.parquet")
    elif kind == "npz":
        np.savez(path / "x.npz", matrix=MATRIX, models=np.array(NAMES))
    elif kind == "npy":
        np.save(path / "x.npy", MATRIX)
        (path / "model_ids.txt").write_text("\n".join(NAMES) + "\n")
    return path / f"x.{kind}"


@pytest.mark.parametrize("kind", ["csv", "parquet", "npz", "npy"])
def test_files_name_their_models(kind, tmp_path):
    found = Similarities.from_matrices({"a": write(tmp_path, kind), "b": str(write(tmp_path, kind))})
    assert found.models == tuple(NAMES)
    assert np.array_equal(found.values[1, 0], MATRIX)


def test_models_meet_by_name_and_a_missing_one_is_nan():
    swapped = pd.DataFrame(MATRIX, index=NAMES, columns=NAMES).loc[["mae", "vgg"], ["vgg", "mae"]]
    found = Similarities.from_matrices({"a": pd.DataFrame(MATRIX, index=NAMES, columns=NAMES), "b": swapped})
    assert found.values[1, 0, 0, 2] == 0.3
    assert found.present[1, 0].tolist() == [True, False, True]


def test_names_from_the_caller_from_metadata_or_numbers():
    table = pd.DataFrame({"kind": list("abc")}, index=NAMES)
    assert Similarities.from_matrices({"a": MATRIX}, names=NAMES).models == tuple(NAMES)
    assert Similarities.from_matrices({"a": MATRIX}, metadata=table).models == tuple(NAMES)
    assert Similarities.from_matrices({"a": MATRIX, "b": MATRIX}).models == ("0", "1", "2")
    with pytest.raises(ShapeError, match="rows without names"):
        Similarities.from_matrices({"a": MATRIX, "b": MATRIX[:2, :2]})
    with pytest.raises(ShapeError, match="metadata for 2 models"):
        Similarities.from_matrices({"a": MATRIX}, metadata=table[:2])


def test_several_measures_and_known_facts():
    found = Similarities.from_matrices(
        {"a": {"cka": MATRIX, "rsa": MATRIX / 2}, "b": {"rsa": MATRIX, "cka": MATRIX}}, names=NAMES, n=(10, 20)
    )
    assert found.measures == ("cka", "rsa")
    assert found.values[0, 1, 0, 1] == 0.1
    assert found.n == (10, 20)
    with pytest.raises(InputError, match="'b' has no similarities by 'rsa'"):
        Similarities.from_matrices({"a": {"cka": MATRIX, "rsa": MATRIX}, "b": {"cka": MATRIX}}, names=NAMES)


@pytest.mark.parametrize("bad", [MATRIX[:2], MATRIX[0], np.zeros((2, 2, 2))])
def test_what_is_not_square_is_refused(bad):
    with pytest.raises(ShapeError, match="must be square"):
        Similarities.from_matrices({"a": bad})


def test_files_that_are_not_matrices(tmp_path):
    (tmp_path / "x.txt").write_text("1")
    pd.DataFrame(MATRIX, index=NAMES, columns=["vgg", "vit", "dino"]).to_csv(tmp_path / "odd.csv")
    pd.DataFrame(MATRIX).to_csv(tmp_path / "bare.csv", index=False)
    np.savez(tmp_path / "two.npz", a=MATRIX, b=MATRIX)
    for name, error in (
        ("x.txt", FileError),
        ("odd.csv", IdError),
        ("bare.csv", ShapeError),
        ("two.npz", FileError),
        ("no.npy", FileError),
    ):
        with pytest.raises(error):
            Similarities.from_matrices({"a": tmp_path / name})


@dataclass
class Result:
    names: tuple[str, ...]
    measures: tuple[str, ...]
    values: np.ndarray
    standard_errors: np.ndarray | None
    n: int


def test_results_of_all_pairs_meet_by_name():
    errors = np.full((1, 3, 3), 0.01)
    results = {
        "a": Result(tuple(NAMES), ("cka",), MATRIX[None], errors, 100),
        "b": Result(("mae", "vgg", "vit"), ("cka",), MATRIX[None], errors, 50),
    }
    found = Similarities.from_all_pairs(results, domains=("x", "y"))
    assert found.n == (100, 50)
    assert found.values[1, 0, 2, 0] == 0.2
    assert found.standard_errors[1, 0, 0, 1] == 0.01
    assert found.domains == ("x", "y")
    with pytest.raises(InputError, match="at least one data set"):
        Similarities.from_all_pairs({})


@pytest.mark.parametrize("suffix", [".json", ".csv", ".parquet", ".tsv"])
def test_metadata_from_every_kind_of_file(suffix, tmp_path):
    table = pd.DataFrame({"objective": ["Sup", "Sup", "SSL"], "size": [138, 86, 86]}, index=pd.Index(NAMES, name="model"))
    path = tmp_path / f"models{suffix}"
    if suffix == ".json":
        table.T.to_json(path)
    elif suffix == ".parquet":
        table.to_parquet(path)
    else:
        table.to_csv(path, sep="," if suffix == ".csv" else "\t")
    found = load_metadata(path)
    assert list(found.index) == NAMES
    assert found["objective"].tolist() == ["Sup", "Sup", "SSL"]
    assert found["size"].tolist() == [138, 86, 86]


def test_metadata_as_records_and_what_is_none(tmp_path):
    path = tmp_path / "models.json"
    path.write_text('[{"id": "vgg", "parameters": {"b": 1, "a": 2}}, {"id": "vit", "parameters": {}}]')
    assert load_metadata(path).loc["vgg", "parameters"] == '{"a":2,"b":1}'
    for content, error in (("[1, 2]", FileError), ("{", FileError), ('[{"id": "a"}, {"id": "a"}]', IdError)):
        path.write_text(content)
        with pytest.raises(error):
            load_metadata(path)
    path.write_text('[{"id": "vgg"}]')
    with pytest.raises(InputError, match="no column 'name'"):
        load_metadata(path, column="name")
    with pytest.raises(FileError, match="there is no file"):
        load_metadata(tmp_path / "none.json")
