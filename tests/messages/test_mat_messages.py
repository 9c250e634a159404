"""What is wrong with a MATLAB file, word for word."""

import re
import struct
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from isomorph import data
from isomorph.errors import FileError

AGAIN = "It is damaged, or something else. Get it again, or save it again with `save -v7`."


def refused(path: Path, text: str, **options: int) -> None:
    with pytest.raises(FileError, match="^" + re.escape(f"{path} {text}") + "$"):
        data.read_mat(path, **options)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    savemat(tmp_path / "x.mat", {"people": {"name": "a", "rdm": np.arange(7.0)}})
    return tmp_path / "x.mat"


def change(path: Path, old: bytes, new: bytes) -> None:
    content = path.read_bytes()
    assert content.count(old) == 1
    path.write_bytes(content.replace(old, new))


def test_a_shape_that_lies(path: Path) -> None:
    change(path, struct.pack("<2i", 1, 7), struct.pack("<2i", 50_000, 50_000))
    refused(path, f"cannot be read as a MATLAB file: 'people.rdm' promises 2,500,000,000 numbers, but has 7. {AGAIN}")


def test_an_element_that_is_too_long(path: Path) -> None:
    change(path, struct.pack("<2I", 9, 56), struct.pack("<2I", 9, 4_000))
    refused(path, f"cannot be read as a MATLAB file: 'people.rdm' has an element of 4,000 bytes where there is room for 56. {AGAIN}")


def test_cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:300])
    reason = "a variable reaches to byte 384, but the file ends at 300: it was cut short"
    refused(path, f"cannot be read as a MATLAB file: {reason}. {AGAIN}")


def test_packed_and_cut_short(path: Path) -> None:
    savemat(path, {"x": np.random.default_rng(0).normal(size=100)}, do_compression=True)
    whole = path.read_bytes()
    path.write_bytes(whole[:132] + struct.pack("<I", 400) + whole[136:536])
    with pytest.raises(FileError, match=r"a variable promises 848 bytes, but \d\d\d unpack\. It is damaged"):
        data.read_mat(path)


def test_a_function(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[144] = 16  # its class
    path.write_bytes(content)
    with pytest.raises(FileError, match=re.escape(f"{path}: 'people' is a function, which has no plain form. Save it as numbers, text, ")):
        data.read_mat(path)


def test_nested_without_end(path: Path) -> None:
    inner: object = 1.0
    for _ in range(70):
        inner = np.array([inner, None], dtype=object)[:1]
    savemat(path, {"x": inner})
    refused(path, f"cannot be read as a MATLAB file: 'x' is nested more than 64 deep. {AGAIN}")


def test_over_the_limit(path: Path) -> None:
    size = path.stat().st_size
    refused(
        path,
        f"({size} bytes) unpacks to 248 bytes, over the limit of 200. If you trust it, read it with limit_bytes=… above that.",
        limit_bytes=200,
    )
