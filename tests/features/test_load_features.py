"""Features come out of every kind of file the same, with their ids, or not at all."""

import json
import os

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import save_file
from scipy.io import savemat

from isomorph.errors import FileError, IdError, InputError, ShapeError
from isomorph.features import load_features

X = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)
IDS = ("cat", "dog", "car", "jar")


def write(kind, path):
    table = pd.DataFrame(X, columns=[f"f{column}" for column in range(6)])
    match kind:
        case "npz":
            np.savez(path, features=X, ids=IDS)
        case "mat":
            savemat(path, {"features": X, "ids": np.array(IDS, dtype=object)})
        case "h5" | "hdf5":
            with h5py.File(path, "w") as file:
                file["features"] = X
                file["ids"] = list(IDS)
        case "pt":
            torch.save({"features": torch.from_numpy(X), "ids": list(IDS)}, path)
        case "csv":
            table.assign(ids=IDS).to_csv(path, index=False)
        case "tsv":
            table.set_axis(IDS).to_csv(path, sep="\t", index_label="")
        case "parquet":
            table.set_axis(IDS).to_parquet(path)
        case "safetensors":
            save_file({"features": X}, path, metadata={"ids": json.dumps(IDS)})


@pytest.mark.parametrize("kind", ["npz", "mat", "h5", "hdf5", "pt", "csv", "tsv", "parquet", "safetensors"])
def test_every_kind_gives_values_and_ids(tmp_path, kind):
    write(kind, tmp_path / f"vit.{kind}")
    features = load_features(tmp_path / f"vit.{kind}")
    assert np.allclose(features.values, X, atol=1e-6)
    assert features.ids == IDS
    assert features.subject == "vit"
    assert features.provenance["file"] == f"vit.{kind}"
    assert load_features(tmp_path / f"vit.{kind}", ids=list("abcd"), subject="me").ids == tuple("abcd")


def test_npy_is_memory_mapped_and_counts_its_rows(tmp_path):
    np.save(tmp_path / "a.npy", X)
    features = load_features(tmp_path / "a.npy")
    assert features.ids == ("0", "1", "2", "3")
    assert isinstance(features.values.base, np.memmap) or isinstance(features.values, np.memmap)


def test_a_tensor_alone(tmp_path):
    torch.save(torch.from_numpy(X).bfloat16(), tmp_path / "a.pt")
    assert np.allclose(load_features(tmp_path / "a.pt").values, X, atol=0.02)


@pytest.mark.parametrize("header", [None, list("abcdef"), list(range(6)), list(range(1, 7))])
def test_csv_without_header_loses_no_row(tmp_path, header):
    pd.DataFrame(X).to_csv(tmp_path / "a.csv", index=False, header=header or False)
    assert np.allclose(load_features(tmp_path / "a.csv").values, X, atol=1e-6)


def test_the_index_that_pandas_writes_is_no_feature(tmp_path):
    pd.DataFrame(X).to_csv(tmp_path / "a.csv")
    features = load_features(tmp_path / "a.csv")
    assert features.width == 6
    assert features.ids == ("0", "1", "2", "3")


def test_several_matrices_need_a_key(tmp_path):
    np.savez(tmp_path / "a.npz", early=X, late=X[:, :2], names=IDS)
    with pytest.raises(InputError, match=r"holds 2 matrices; name what to read with key=….*'early' \(4, 6\), 'late' \(4, 2\)"):
        load_features(tmp_path / "a.npz")
    features = load_features(tmp_path / "a.npz", key="late")
    assert features.width == 2
    assert features.ids == IDS
    with pytest.raises(InputError, match="no array called 'middle'"):
        load_features(tmp_path / "a.npz", key="middle")


def test_ids_may_be_named(tmp_path):
    np.savez(tmp_path / "a.npz", x=X, who=IDS)
    assert load_features(tmp_path / "a.npz").ids == ("0", "1", "2", "3")
    assert load_features(tmp_path / "a.npz", ids="who").ids == IDS
    with pytest.raises(IdError, match="4 rows of features, but there are 2 ids"):
        load_features(tmp_path / "a.npz", ids=["a", "b"])
    with pytest.raises(IdError, match=r"a.npz: features has 1 ids that stand more than once; the first is 'a'"):
        load_features(tmp_path / "a.npz", ids=list("aabc"))


def test_maps_are_not_flattened_in_silence(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((4, 8, 2, 2)))
    with pytest.raises(ShapeError, match=r"has shape \(4, 8, 2, 2\).*reshape"):
        load_features(tmp_path / "a.npy")


class Payload:
    def __reduce__(self):
        return (os._exit, (3,))


def test_nothing_is_unpickled(tmp_path):
    torch.save({"features": torch.from_numpy(X), "x": Payload()}, tmp_path / "a.pt")
    with pytest.raises(FileError, match="could run code"):
        load_features(tmp_path / "a.pt")
    np.save(tmp_path / "a.npy", np.array([Payload()], dtype=object))
    with pytest.raises(FileError, match="pickled Python objects"):
        load_features(tmp_path / "a.npy")


@pytest.mark.parametrize("kind", ["npy", "npz", "mat", "h5", "pt", "csv", "parquet", "safetensors"])
def test_foreign_files_are_named(tmp_path, kind):
    path = tmp_path / f"x.{kind}"
    with pytest.raises(FileError, match=f"there is no file .*x.{kind}"):
        load_features(path)
    path.write_bytes(b"\x00\xff\xfe no such file" * 10 if kind != "csv" else b"")
    with pytest.raises(FileError, match=f"x.{kind} cannot be read as"):
        load_features(path)


def test_unknown_suffix(tmp_path):
    with pytest.raises(FileError, match=r"suffix '.pkl'; features are read from .csv"):
        load_features(tmp_path / "x.pkl")
