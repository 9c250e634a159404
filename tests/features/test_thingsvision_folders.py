"""Folders as thingsvision writes them are read whole, by name and in order; ours come back as they went."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import torch
from scipy.io import savemat

from isomorph.errors import FileError, IdError, InputError, ShapeError
from isomorph.features import Features, load_features, save_thingsvision

X = np.random.default_rng(0).normal(size=(9, 6)).astype(np.float32)
BARE = [f"{name}.jpg" for name in "abcdefghi"]
FORMATS = ["npy", "hdf5", "mat", "txt", "pt"]


def theirs(folder, x=X, *, kind="npy", names=BARE, stem="features"):
    """What thingsvision's storing and data sets leave behind."""
    folder.mkdir(parents=True, exist_ok=True)
    if names is not None:
        (folder / "file_names.txt").write_text("".join(f"{each}\n" for each in names))
    path = folder / f"{stem}.{kind}"
    if kind == "npy":
        np.save(path, x)
    elif kind in ("pt", "pth"):
        torch.save(torch.from_numpy(x), path)
    elif kind == "hdf5":
        with h5py.File(path, "w") as file:
            file.create_dataset("features", data=x)
    elif kind == "mat":  # with names a variable for each file, called as the file without suffix
        rows = {"features": x} if names is None else {each.rpartition(".")[0]: row for each, row in zip(names, x, strict=True)}
        savemat(path, rows)
    else:
        np.savetxt(path, x)
    return folder


@pytest.mark.parametrize("kind", [*FORMATS, "pth"])
def test_every_format(tmp_path, kind):
    x = load_features(theirs(tmp_path / "vit", kind=kind))
    assert x.ids == tuple(BARE)
    assert np.array_equal(x.values, X)
    assert (x.subject, x.layer) == ("vit", "")


def test_maps_are_flattened_and_their_shape_is_kept(tmp_path):
    maps = np.arange(9 * 2 * 3 * 3, dtype=np.float32).reshape(9, 2, 3, 3)
    for kind in ("npy", "hdf5", "mat", "pt"):
        x = load_features(theirs(tmp_path / kind, maps, kind=kind))
        assert np.array_equal(x.values, maps.reshape(9, -1))
        assert x.values.shape == (9, 18)
    assert load_features(tmp_path / "npy").provenance["shape"] == [2, 3, 3]


@pytest.mark.parametrize("kind", ["npy", "txt", "pt"])
def test_parts_stand_in_the_order_of_their_numbers(tmp_path, kind):
    theirs(tmp_path)
    (tmp_path / "features.npy").unlink()
    for number in range(1, 10):  # ten splits asked for make nine parts
        theirs(tmp_path, X[number - 1 : number], kind=kind, stem=f"features_{number:02d}")
    if kind == "npy":
        theirs(tmp_path, np.zeros((0, 6), np.float32), stem="features_10")
    assert np.array_equal(load_features(tmp_path).values, X)


def test_parts_beyond_99_are_no_words(tmp_path):
    x = np.arange(101, dtype=np.float64)[:, None]
    for number, row in enumerate(x, start=1):
        theirs(tmp_path, row[None], names=None, stem=f"features_{number:02d}")
    assert np.array_equal(load_features(tmp_path).values, x)


def test_parts_in_one_hdf5_file(tmp_path):
    theirs(tmp_path)
    (tmp_path / "features.npy").unlink()
    with h5py.File(tmp_path / "features.hdf5", "w") as file:
        for number, rows in enumerate(np.array_split(X, 4), start=1):
            file.create_dataset(f"features_{number:02d}", data=rows)
    assert np.array_equal(load_features(tmp_path).values, X)


def test_ranges_of_rows_in_hdf5_files_that_have_parts(tmp_path):
    theirs(tmp_path)
    (tmp_path / "features.npy").unlink()
    for first, last in ((0, 4), (4, 9)):
        with h5py.File(tmp_path / f"features_{first}-{last}.hdf5", "w") as file:
            for number, rows in enumerate(np.array_split(X[first:last], 2), start=1):
                file.create_dataset(f"features_{number:02d}", data=rows)
    assert np.array_equal(load_features(tmp_path).values, X)


def test_parts_in_mat_files(tmp_path):
    halves = ((1, slice(0, 4)), (2, slice(4, 9)))
    for number, part in halves:
        theirs(tmp_path / "named", X[part], kind="mat", names=BARE[part], stem=f"features_{number:02d}")
        savemat(_folder(tmp_path / "whole") / f"features_{number:02d}.mat", {"features": X})  # each holds the whole matrix
    theirs(tmp_path / "named" / "names")
    (tmp_path / "named" / "file_names.txt").write_text("\n".join(BARE))
    assert np.array_equal(load_features(tmp_path / "named").values, X)
    assert np.array_equal(load_features(tmp_path / "whole").values, X)


def _folder(path):
    path.mkdir(parents=True, exist_ok=True)
    return path


def test_one_row_and_one_column_in_mat_files(tmp_path):
    names = ["a.jpg"]
    for name, x, files in (("row", X[:1], names), ("column", X[:, :1], BARE), ("one", X[:1, :1], names)):
        folder = theirs(tmp_path / name, x, names=files)
        (folder / "features.npy").unlink()
        savemat(folder / "features.mat", {"features": x})
        assert np.array_equal(load_features(folder).values, x)


@pytest.mark.parametrize("kind", ["npy", "pt"])
def test_ranges_of_rows_with_the_names_one_folder_up(tmp_path, kind):
    theirs(tmp_path / "resnet")
    (tmp_path / "resnet" / "features.npy").unlink()
    for first, last in ((0, 2), (2, 4), (4, 9)):
        theirs(tmp_path / "resnet" / "layer4.1", X[first:last], kind=kind, names=None, stem=f"features_train_{first}-{last}")
    x = load_features(tmp_path / "resnet" / "layer4.1")
    assert np.array_equal(x.values, X)
    assert (x.subject, x.layer, x.ids) == ("resnet", "layer4.1", tuple(BARE))


def test_ranges_whose_first_row_is_written_wrongly(tmp_path):
    for first, last in ((2, 2), (4, 4), (9, 9)):  # what the second of several modules is called, one batch a step
        theirs(tmp_path, X[{2: 0, 4: 2, 9: 4}[first] : last], stem=f"features_{first}-{last}")
    assert np.array_equal(load_features(tmp_path).values, X)


@pytest.mark.parametrize(
    ("lines", "ids"),
    [
        (["b.jpg", "a.jpg"], ("b.jpg", "a.jpg")),
        (["/data/things/cat/cat_01.jpg", "/data/things/dog/dog_01.jpg"], ("cat/cat_01.jpg", "dog/dog_01.jpg")),
        (["images/cat/1.png", "images/dog/1.png"], ("cat/1.png", "dog/1.png")),
        (["./images/1.png", "./images/2.png"], ("1.png", "2.png")),
        (["C:\\photos\\cat\\1.png", "C:\\photos\\dog\\1.png"], ("cat/1.png", "dog/1.png")),
        (["cat/1.png", "dog/1.png"], ("cat/1.png", "dog/1.png")),
        (["café.png", " spaced .png"], ("café.png", " spaced .png")),
    ],
)
def test_ids_are_relative_to_what_the_paths_share(tmp_path, lines, ids):
    theirs(tmp_path, X[:2], names=None)
    (tmp_path / "file_names.txt").write_text("\r\n".join(lines), encoding="utf-8", newline="")
    assert load_features(tmp_path).ids == ids


def test_ids_from_elsewhere_and_from_nowhere(tmp_path):
    theirs(tmp_path, X[:2], names=None)
    assert load_features(tmp_path).ids == ("0", "1")
    assert load_features(tmp_path, ids=["x", "y"], subject="me").ids == ("x", "y")
    with pytest.raises(InputError):
        load_features(tmp_path, ids="names")


def test_a_kind_is_chosen_by_key(tmp_path):
    theirs(tmp_path)
    theirs(tmp_path, -X, stem="features_val")
    with pytest.raises(InputError):
        load_features(tmp_path)
    assert np.array_equal(load_features(tmp_path, key="features_val.npy").values, -X)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_was_written_comes_back(tmp_path, kind, dtype):
    ids = tuple(f"animal/{each} ü.png" for each in BARE)  # all in one folder, which stays part of the id
    x = Features(X.astype(dtype), ids, layer="blocks.1[0]", subject="timm/vit", provenance={"stimuli": "abc", "n": 9})
    folder = save_thingsvision(x, tmp_path / "out" / "layer", format=kind)
    back = load_features(folder)
    assert np.array_equal(back.values, x.values)
    assert back.values.dtype == (np.float64 if kind == "txt" else dtype)
    assert (back.ids, back.layer, back.subject, back.provenance["stimuli"]) == (ids, x.layer, x.subject, "abc")
    assert (folder / "file_names.txt").read_text(encoding="utf-8").splitlines() == list(ids)
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["layer"]


def test_written_folders_are_what_thingsvision_reads(tmp_path):
    x = Features(X, tuple(BARE))
    read = {
        "npy": np.load,
        "hdf5": lambda path: h5py.File(path)["features"][:],
        "mat": lambda path: __import__("scipy.io").io.loadmat(path)["features"],
        "txt": np.loadtxt,
        "pt": lambda path: torch.load(path, weights_only=True).numpy(),
    }
    for kind, reader in read.items():
        folder = save_thingsvision(x, tmp_path / kind, format=kind)
        assert np.array_equal(np.asarray(reader(folder / f"features.{kind}"), dtype=np.float32), X)


def test_nothing_is_overwritten_and_nothing_half_written(tmp_path):
    x = Features(X, tuple(BARE))
    save_thingsvision(x, tmp_path / "new")
    with pytest.raises(FileError):
        save_thingsvision(x, tmp_path / "new")
    with pytest.raises(InputError):
        save_thingsvision(x, tmp_path / "other", format="csv")
    with pytest.raises(IdError):
        save_thingsvision(Features(X[:1], ("a\nb",)), tmp_path / "other")
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError):
        save_thingsvision(x, tmp_path / "file" / "inside")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "new"]


def test_a_mapped_array_is_written_and_stays_mapped(tmp_path):
    np.save(tmp_path / "x.npy", X)
    x = load_features(tmp_path / "x.npy", ids=BARE)
    for kind in FORMATS:
        assert np.array_equal(load_features(save_thingsvision(x, tmp_path / kind, format=kind)).values, X)
    assert isinstance(load_features(tmp_path / "npy").values.base, np.memmap)


@pytest.mark.parametrize("content", ["null", "[]", "{}", '{"subject": 1, "layer": "", "provenance": {}}', "{", "[" * 100_000])
def test_a_hostile_note_beside_the_features(tmp_path, content):
    theirs(tmp_path)
    (tmp_path / "isomorph.json").write_text(content)
    with pytest.raises(FileError):
        load_features(tmp_path)


def test_pickles_are_never_run(tmp_path):
    theirs(tmp_path)
    np.save(tmp_path / "features.npy", np.array([print, 1], dtype=object), allow_pickle=True)
    with pytest.raises(FileError):
        load_features(tmp_path)
    (tmp_path / "features.npy").unlink()
    torch.save({"features": print}, tmp_path / "features.pt")
    with pytest.raises(FileError):
        load_features(tmp_path)


def test_a_text_file_without_rows(tmp_path):
    (tmp_path / "features.txt").write_text("")
    with pytest.raises(FileError):
        load_features(tmp_path)


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "words", "nothing", "scalar"])
def test_damaged_features(tmp_path, damage):
    theirs(tmp_path)
    path = tmp_path / "features.npy"
    if damage == "words":
        np.save(path, np.array([["a"] * 6] * 9))
    elif damage == "nothing":
        np.save(path, np.zeros((9, 0)))
    elif damage == "scalar":
        np.save(path, np.array(1.0))
    else:
        path.write_bytes({"empty": b"", "text": b"hello", "cut": path.read_bytes()[:-7]}[damage])
    with pytest.raises((FileError, ShapeError)):
        load_features(tmp_path)
