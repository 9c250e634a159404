"""Our reader of MATLAB's version 5: scipy's values on whole files, one sentence on damaged and lying ones."""

import struct
import tracemalloc
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import scipy.io.matlab
from scipy.io import loadmat, savemat
from scipy.sparse import csc_matrix

from isomorph import data
from isomorph.errors import FileError

KINDS = {"i1": 1, "u1": 2, "i2": 3, "u2": 4, "i4": 5, "u4": 6, "f4": 7, "f8": 9, "i8": 12, "u8": 13}
NUMBERS = np.array([[[0, 1], [2, 3], [4, 5]], [[6, 7], [8, 9], [10, 100]]])


def element(kind: int, content: bytes, order: str = "<") -> bytes:
    return struct.pack(order + "II", kind, len(content)) + content + bytes(-len(content) % 8)


def small(kind: int, content: bytes, order: str = "<") -> bytes:
    return struct.pack(order + "I", len(content) << 16 | kind) + content.ljust(4, b"\0")


def variable(kind: int, shape: tuple[int, ...], *parts: bytes, name: bytes = b"x", order: str = "<", bits: int = 0) -> bytes:
    head = element(6, struct.pack(order + "II", bits | kind, 0), order) + element(5, struct.pack(f"{order}{len(shape)}i", *shape), order)
    return element(14, head + element(1, name, order) + b"".join(parts), order)


def file(path: Path, *variables: bytes, order: str = "<") -> Path:
    path.write_bytes(b"MATLAB 5.0 MAT-file".ljust(124) + (b"\0\1IM" if order == "<" else b"\1\0MI") + b"".join(variables))
    return path


def cells(shape, *items):
    array = np.empty(len(items), dtype=object)
    for place, each in enumerate(items):
        array[place] = each
    return array.reshape(shape)


def plain(value):
    """What scipy gives, in the form that `read_mat` states."""
    if hasattr(value, "_fieldnames"):
        return {each: plain(getattr(value, each)) for each in value._fieldnames}
    if isinstance(value, np.ndarray) and value.dtype == object:
        return [plain(each) for each in value] if value.ndim else plain(value.item())
    return value.toarray() if hasattr(value, "toarray") else value


def assert_same(ours, theirs):
    if isinstance(theirs, dict):
        assert list(ours) == list(theirs)
        for each in theirs:
            assert_same(ours[each], theirs[each])
    elif isinstance(theirs, list):
        assert isinstance(ours, list)
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            assert_same(one, other)
    elif isinstance(theirs, np.ndarray):
        assert ours.dtype == theirs.dtype.newbyteorder("=")
        assert ours.flags.writeable
        np.testing.assert_array_equal(ours, theirs)
    else:
        assert type(ours) is type(theirs)
        assert ours == theirs


def assert_as_scipy(path: Path) -> None:
    theirs = {each: plain(value) for each, value in loadmat(path, squeeze_me=True, struct_as_record=False).items() if each[0] != "_"}
    assert theirs
    assert_same(data.read_mat(path), theirs)


CONTENTS = {
    **{each: NUMBERS.astype(each) for each in (*KINDS, "c8", "c16", "?")},
    **{f"one {each}": np.array(7, each) for each in (*KINDS, "c8", "c16", "?")},
    "no rows": np.zeros((0, 3), np.float32),
    "no complex": np.zeros((3, 0), complex),
    "special values": np.array([np.nan, np.inf, -0.0, 5e-324]),
    "axes of one": NUMBERS.reshape(1, 2, 1, 6),
    "text": "Größe, 大きさ",
    "no text": "",
    "rows of text": ["one", "three"],
    "grid of text": np.array([["ab", "c"], ["d", "ef"], ["", "é"]]),
    "column of letters": np.array([["a"], ["b"]]),
    "cells": cells((2, 3), NUMBERS, "text", {"a": 1.5}, cells((2,), "x", cells((1,), 3)), np.zeros(0), "ü"),
    "no cells": cells((0,)),
    "struct": {"name": "a", "inside": {"deep": [1.0, 2.0], "deeper": {"x": True}}, "nothing": np.zeros((0, 0))},
    "structs": np.array([(1, "one"), (2, "two"), (3, "three"), (4, "four")], [("n", object), ("name", object)]).reshape(2, 2),
    "no fields": {"s": {}},
    "sparse": csc_matrix(np.diag([1.0, 0, -2, 3])[:, :3]),
    "sparse complex": csc_matrix(np.array([[0, 1j], [2, 0]])),
    "sparse, empty": csc_matrix((3, 2)),
}


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("name", CONTENTS)
def test_what_scipy_writes(tmp_path, name, compressed):
    content = {"first": CONTENTS[name], "a_rather_long_name_2": CONTENTS[name]}
    savemat(tmp_path / "x.mat", content, do_compression=compressed, long_field_names=True)
    assert_as_scipy(tmp_path / "x.mat")


@pytest.mark.parametrize("name", ["92_modelRDMs", "92_behavRDMs", "92_brainRDMs", "Kriegeskorte_Neuron2008_supplementalData"])
def test_published_files(data_path, name):
    assert_as_scipy(data_path("kriegeskorte-92", f"{name}.mat"))


@pytest.mark.filterwarnings("ignore::scipy.io.matlab.MatReadWarning")
def test_files_of_matlab_itself():
    """Versions 5.3 to 2010 on Solaris (big-endian), Linux and Windows, which scipy brings along to test itself."""
    folder = Path(scipy.io.matlab.__file__).parent / "tests" / "data"
    damaged = ("bad_miuint32", "corrupted", "malformed1")
    functions = ("parabola", "some_functions", "sqr", "testfunc")
    others = ("bad_miutf8_array_name", "debigged_m4", "test_mat4", "testhdf5")
    files = [each for each in sorted(folder.glob("*.mat")) if "_4" not in each.name and not each.name.startswith(others)]
    if not files:
        pytest.skip("this scipy is installed without the files of its tests")
    for path in files:
        if path.name.startswith((*damaged, *functions)):
            with pytest.raises(FileError, match="is a function" if path.name.startswith(functions) else "It is damaged"):
                data.read_mat(path)
        else:
            assert_as_scipy(path)


@pytest.mark.parametrize("order", "<>")
def test_both_byte_orders(tmp_path, order):
    def put(values, kind: str) -> bytes:
        return element(KINDS[kind], np.asarray(values).ravel(order="F").astype(order + kind).tobytes(), order)

    made = [variable(6, NUMBERS.shape, put(NUMBERS, each), name=each.encode(), order=order) for each in KINDS]
    made.append(variable(6, (1, 2), put([1, 2], "i2"), put([3, 4], "i2"), name=b"z", order=order, bits=0x800))
    made.append(variable(8, (1, 3), small(1, bytes([1, 2, 255]), order), name=b"small", order=order))
    made.append(variable(5, (2, 2), put([1], "i4"), put([0, 0, 1], "i4"), put([9], "f8"), name=b"sparse", order=order))
    path = file(tmp_path / "x.mat", *made, order=order)
    assert_as_scipy(path)
    assert all(each.dtype.isnative for each in data.read_mat(path).values())


@pytest.mark.parametrize("order", "<>")
def test_text_in_all_its_codings(tmp_path, order):
    end = {"<": "le", ">": "be"}[order]
    codings = {16: "utf-8", 17: f"utf-16-{end}", 18: f"utf-32-{end}", 4: f"utf-16-{end}"}
    for kind, coding in codings.items():
        path = file(tmp_path / "x.mat", variable(4, (1, 5), element(kind, "Größe".encode(coding), order), order=order), order=order)
        assert data.read_mat(path) == {"x": "Größe"}
        units = element(kind, "a😀b".encode(coding), order)  # to MATLAB four characters, to others three
        for count in (3, 4):
            assert data.read_mat(file(path, variable(4, (1, count), units, order=order), order=order)) == {"x": "a😀b"}
    assert data.read_mat(file(path, variable(4, (1, 3), element(16, b""))))["x"] == "   "
    assert data.read_mat(file(path, variable(4, (2, 2), element(2, b"ac\xe9d"))))["x"].tolist() == ["aé", "cd"]


def test_sparse_flags(tmp_path):
    """MATLAB marks their bytes as doubles, scipy as bytes."""
    places = element(5, struct.pack("<3i", 0, 1, 2)), element(5, struct.pack("<4i", 0, 1, 2, 3))
    for kind in (2, 9):
        read = data.read_mat(file(tmp_path / "x.mat", variable(5, (3, 3), *places, small(kind, b"\1\1\1"), bits=0x200)))["x"]
        assert read.dtype == bool
        assert np.array_equal(read, np.eye(3))


def test_what_has_no_name_is_left_out(tmp_path):
    path = file(tmp_path / "x.mat", variable(6, (1, 1), element(9, struct.pack("<d", 2))), variable(9, (1, 1), small(2, b"\1"), name=b""))
    assert data.read_mat(path) == {"x": 2}


def test_a_small_part_does_not_keep_a_large_variable(tmp_path):
    savemat(tmp_path / "x.mat", {"s": {"large": np.zeros(1_000_000), "small": np.zeros(10)}})
    tracemalloc.start()
    kept = data.read_mat(tmp_path / "x.mat")["s"].pop("small")
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept.size == 10
    assert held < 1_000_000
    assert peak < 9_000_000


def test_the_limit_holds_for_all_variables_together(tmp_path):
    parts = {name: np.zeros(1_000) for name in "abc"}
    for compressed in (False, True):
        savemat(tmp_path / "x.mat", parts, do_compression=compressed)
        assert len(data.read_mat(tmp_path / "x.mat", limit_bytes=25_000)) == 3
        with pytest.raises(FileError, match="over the limit of 23,000"):
            data.read_mat(tmp_path / "x.mat", limit_bytes=23_000)


NOTHING = element(14, b"")
BIG = 2_000_000_000
LIES = {
    "numbers": variable(6, (BIG, 5), element(9, bytes(80))),
    "text": variable(4, (1, BIG), element(16, b"")),
    "cells": variable(1, (BIG, BIG), NOTHING),
    "structs": variable(2, (1, BIG), small(5, struct.pack("<i", 8)), element(1, b"a".ljust(8, b"\0")), NOTHING),
    "structs without fields": variable(2, (1, BIG), small(5, struct.pack("<i", 8)), element(1, b"")),
    "sparse": variable(5, (BIG, 1), element(5, bytes(4)), element(5, struct.pack("<2i", 0, 1)), element(9, bytes(8))),
    "packed": element(15, zlib.compress(struct.pack("<II", 14, 3_000_000_000) + bytes(100))),
    "many cells": element(15, zlib.compress(variable(1, (400, 1_000), NOTHING * 400_000))),
    "many blanks": element(15, zlib.compress(variable(1, (1, 1_000), variable(4, (1, 65_536), element(16, b"")) * 1_000))),
}


@pytest.mark.parametrize("name", LIES)
def test_no_memory_for_promises(tmp_path, name):
    path = file(tmp_path / "x.mat", LIES[name])
    tracemalloc.start()
    with pytest.raises(FileError, match=r"promises|over the limit of 50,000,000"):
        data.read_mat(path, limit_bytes=1 << 32 if name == "packed" else 50_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < (50e6 if name.startswith("many") else 1e6)


def test_names_of_places_stay_short(tmp_path):
    field = element(1, b"f" * 5_000)
    inside = variable(6, (1, 2), element(9, bytes(8)))
    path = file(tmp_path / "x.mat", variable(2, (1, 1), small(5, struct.pack("<i", 5_000)), field, inside))
    with pytest.raises(FileError, match=r"'x\.f{198}' promises 2 numbers, but has 1"):
        data.read_mat(path)


def damaged(generator: np.random.Generator, whole: bytes, number: int) -> bytes:
    """Two or three other bytes, of any value or of the extreme ones; every tenth file is cut short, too."""
    content = bytearray(whole)
    for _ in range(generator.integers(2, 4)):
        values = np.arange(256) if number % 2 else np.array([0, 1, 127, 128, 255])
        content[generator.integers(128, len(content))] = generator.choice(values)
    return bytes(content[: generator.integers(len(content))] if number % 10 == 0 else content)


@pytest.mark.parametrize("packed", [False, True])
def test_damaged_files_never_crash(tmp_path, packed):
    """A crash would end this very process, as scipy's reader does on such files."""
    generator, path = np.random.default_rng(20), tmp_path / "x.mat"
    refused: list[str] = []
    content = {
        each.replace(" ", "_"): CONTENTS[each] for each in ("f4", "c16", "text", "rows of text", "cells", "struct", "structs", "sparse")
    }
    savemat(path, content)
    whole = path.read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for number in range(400):
            changed = damaged(generator, whole, number)
            if packed:  # damage below the compression, whose checksum would find it
                changed = changed[:128].ljust(128) + element(15, zlib.compress(changed[128 : 136 + struct.unpack("<I", whole[132:136])[0]]))
            path.write_bytes(changed)
            try:
                data.read_mat(path)
            except FileError as error:
                refused.append(str(error))
    assert 100 < len(refused) < 400
    assert all(each.startswith(f"{path} cannot be read as a MATLAB file: ") or "no plain form" in each for each in refused)
