"""Foreign files: right ones give plain arrays, damaged and hostile ones one clear error."""

import pickle
import zipfile

import h5py
import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat
from scipy.sparse import csc_matrix

from isomorph import data
from isomorph.errors import FileError


class Payload:
    def __reduce__(self):
        return (pytest.fail, ("unpickled",))


def write_h5(path, values):
    with h5py.File(path, "w") as file:
        file["x"] = values


def test_npz(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", x=np.arange(6).reshape(2, 3), names=["a", "b"])
    content = data.read_npz(tmp_path / "a.npz")
    assert content["x"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert content["names"].tolist() == ["a", "b"]


def test_objects_are_never_unpickled(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.array([Payload()], dtype=object))
    np.save(tmp_path / "a.npy", np.array([Payload()], dtype=object))
    for read, name in ((data.read_npz, "a.npz"), (data.read_npy, "a.npy")):
        with pytest.raises(FileError, match="as pickled Python objects"):
            read(tmp_path / name)
    (tmp_path / "b.npy").write_bytes(pickle.dumps(Payload()))
    with pytest.raises(FileError, match=r"cannot be read as an \.npy file"):
        data.read_npy(tmp_path / "b.npy")


def test_a_zip_bomb_is_refused_before_it_unpacks(tmp_path):
    np.savez_compressed(tmp_path / "bomb.npz", x=np.zeros(30_000_000, np.uint8))
    assert (tmp_path / "bomb.npz").stat().st_size < 100_000
    with pytest.raises(FileError, match=r"unpacks to 30,000,128 bytes, over the limit of 10,000,000"):
        data.read_npz(tmp_path / "bomb.npz", limit_bytes=10_000_000)


def test_a_header_that_promises_more_than_follows(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(10))
    honest = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "lie.npy").write_bytes(honest.replace(b"(10,), }", b"(99,), }"))
    (tmp_path / "torn.npy").write_bytes(honest.replace(b"(10,), }", b"(10,     "))
    for memory_map in (False, True):
        with pytest.raises(FileError, match="promises 792 bytes of numbers, but 80 follow"):
            data.read_npy(tmp_path / "lie.npy", memory_map=memory_map)
        with pytest.raises(FileError, match=r"cannot be read as an \.npy file"):
            data.read_npy(tmp_path / "torn.npy", memory_map=memory_map)
    with zipfile.ZipFile(tmp_path / "lie.npz", "w") as archive:
        archive.writestr("x.npy", honest.replace(b"(10,), }", b"(99,), }"))
    with pytest.raises(FileError, match="promises 792 bytes, but 80 follow"):
        data.read_npz(tmp_path / "lie.npz")


@pytest.mark.parametrize("kind", ["npz", "npy", "mat", "h5", "csv"])
def test_foreign_truncated_and_absent_files_are_named(tmp_path, kind):
    read = {"npz": data.read_npz, "npy": data.read_npy, "mat": data.read_mat, "h5": data.read_hdf5, "csv": data.read_csv}[kind]
    path = tmp_path / f"x.{kind}"
    with pytest.raises(FileError, match=f"there is no file .*x.{kind}"):
        read(path)
    path.write_bytes(b"" if kind == "csv" else b"this is no such file at all, it is text")
    with pytest.raises(FileError, match=rf"x.{kind} cannot be read as"):
        read(path)
    values = np.random.default_rng(0).normal(size=(200, 30))
    writers = {
        "npz": lambda: np.savez(path, x=values),
        "npy": lambda: np.save(path, values),
        "mat": lambda: savemat(path, {"x": values}, do_compression=True),
        "h5": lambda: write_h5(path, values),
    }
    if kind in writers:
        writers[kind]()
        whole = path.read_bytes()
        for part in (0.9, 0.5, 0.01):
            path.write_bytes(whole[: int(part * len(whole))])
            with pytest.raises(FileError, match=f"x.{kind}"):
                read(path)


def test_mat_v5(tmp_path):
    struct = {"name": "a", "image": np.arange(4, dtype=np.uint8).reshape(2, 2)}
    records = np.empty((2, 2), dtype=object)
    for index in np.ndindex(2, 2):
        records[index] = struct
    content = {"x": np.eye(3), "s": struct, "cells": np.array(["one", "two"], dtype=object), "grid": records, "one": 5.0}
    savemat(tmp_path / "a.mat", content)
    read = data.read_mat(tmp_path / "a.mat")
    assert np.array_equal(read["x"], np.eye(3))
    assert read["s"]["name"] == "a"
    assert read["s"]["image"].dtype == np.uint8
    assert read["cells"] == ["one", "two"]
    assert read["one"] == 5
    assert read["grid"][1][0]["image"].tolist() == [[0, 1], [2, 3]]
    assert set(read) == set(content)


def test_a_mat_bomb_is_refused_before_it_unpacks(tmp_path):
    savemat(tmp_path / "bomb.mat", {"x": np.zeros(20_000_000, np.uint8)}, do_compression=True)
    assert (tmp_path / "bomb.mat").stat().st_size < 100_000
    with pytest.raises(FileError, match="over the limit of 10,000,000"):
        data.read_mat(tmp_path / "bomb.mat", limit_bytes=10_000_000)


def test_a_sparse_matrix_is_counted_as_what_it_unpacks_to(tmp_path):
    savemat(tmp_path / "bomb.mat", {"x": csc_matrix(([1.0], ([0], [0])), shape=(5_000, 5_000))})
    assert data.read_mat(tmp_path / "bomb.mat")["x"].sum() == 1
    with pytest.raises(FileError, match="unpacks to 200,000,008 bytes, over the limit of 10,000,000"):
        data.read_mat(tmp_path / "bomb.mat", limit_bytes=10_000_000)


def test_mat_v73(tmp_path):
    path = tmp_path / "a.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        file.create_dataset("x", data=np.arange(6.0).reshape(3, 2)).attrs["MATLAB_class"] = np.bytes_("double")
        word = file.create_dataset("#refs#/a", data=np.array([[104], [105]], np.uint16))
        word.attrs["MATLAB_class"] = np.bytes_("char")
        number = file.create_dataset("#refs#/b", data=np.array([[7.0]]))
        number.attrs["MATLAB_class"] = np.bytes_("double")
        cells = file.create_dataset("cells", data=np.array([[word.ref], [number.ref]], dtype=h5py.ref_dtype))
        cells.attrs["MATLAB_class"] = np.bytes_("cell")
        rows = file.create_group("rows")
        rows.attrs["MATLAB_class"] = np.bytes_("struct")
        rows.create_dataset("name", data=np.array([[word.ref], [word.ref]], dtype=h5py.ref_dtype))
        rows.create_dataset("size", data=np.array([[number.ref], [number.ref]], dtype=h5py.ref_dtype))
        flag = file.create_dataset("flag", data=np.array([[1]], np.uint8))
        flag.attrs["MATLAB_class"] = np.bytes_("logical")
    with path.open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    read = data.read_mat(path)
    assert read["x"].tolist() == [[0, 2, 4], [1, 3, 5]]
    assert read["cells"] == ["hi", 7.0]
    assert read["rows"] == [{"name": "hi", "size": 7.0}] * 2
    assert read["flag"] is np.True_
    with pytest.raises(FileError, match="over the limit of 10"):
        data.read_mat(path, limit_bytes=10)


def test_hdf5_never_leaves_its_file(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["secret"] = np.eye(2)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = h5py.ExternalLink("other.h5", "/secret")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file.create_dataset("x", (4,), dtype="u1", external=[(str(tmp_path / "other.h5"), 0, 4)])
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file.create_group("inside")["itself"] = file["/"]
    for name in "ab":
        with pytest.raises(FileError, match="points into another file"):
            data.read_hdf5(tmp_path / f"{name}.h5")
    with h5py.File(tmp_path / "d.mat", "w", userblock_size=512) as file:
        hidden = file.create_dataset("#refs#/a", (4, 1), dtype="u1", external=[(str(tmp_path / "other.h5"), 0, 4)])
        cells = file.create_dataset("cells", data=np.array([[hidden.ref], [hidden.ref]], dtype=h5py.ref_dtype))
        cells.attrs["MATLAB_class"] = np.bytes_("cell")
    with pytest.raises(FileError, match="points into another file"):
        data.read_mat(tmp_path / "d.mat")
    with pytest.raises(FileError, match="a group contains itself"):
        data.read_hdf5(tmp_path / "c.h5")


def test_tables(tmp_path):
    table = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    table.to_csv(tmp_path / "t.csv", index=False)
    table.to_csv(tmp_path / "t.tsv", index=False, sep="\t")
    table.to_parquet(tmp_path / "t.parquet")
    for name in ("t.csv", "t.tsv", "t.parquet"):
        assert data.read_table(tmp_path / name).equals(table)
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 not really PAR1")
    with pytest.raises(FileError, match="cannot be read as a Parquet table"):
        data.read_table(tmp_path / "bad.parquet")
    with pytest.raises(FileError, match="no suffix of a table"):
        data.read_table(tmp_path / "t.docx")
