"""The sentences about stimuli, word for word."""

import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from isomorph.errors import FileError, IdError, InputError, ShapeError
from isomorph.stimuli import Stimuli


def said(error: type[Exception], text: str):
    return pytest.raises(error, match="^" + re.escape(text) + "$")


def test_text_as_png(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("I am text")
    with said(
        FileError,
        f"stimulus 'a.png' ({tmp_path}/a.png) cannot be decoded: it is not a picture of a known format: it begins with b'I am text'. "
        "Replace it, or leave out what cannot be decoded with on_error='skip'.",
    ):
        Stimuli.from_folder(tmp_path)[0]


def test_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("")
    with pytest.raises(FileError, match=re.escape("cannot be decoded: it is empty (0 bytes).")):
        Stimuli.from_folder(tmp_path)[0]


def test_truncated_jpeg(tmp_path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(tmp_path / "a.jpg")
    (tmp_path / "a.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:2000])
    with pytest.raises(
        FileError, match=r"^stimulus 'a\.jpg' \(.*/a\.jpg\) cannot be decoded: image file is truncated .*on_error='skip'\.$"
    ):
        Stimuli.from_folder(tmp_path)[0]


def test_bomb(tmp_path: Path) -> None:
    header = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    pixels = b"IDAT" + zlib.compress(b"")
    chunks = b"".join(struct.pack(">I", len(each) - 4) + each + struct.pack(">I", zlib.crc32(each)) for each in (header, pixels, b"IEND"))
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
    with said(
        FileError,
        f"stimulus 'a.png' ({tmp_path}/a.png) cannot be decoded: it would decode to 60,000 × 60,000 = 3,600,000,000 pixels, over the limit "
        "of 100,000,000; scale it down, or raise the limit with max_pixels=…. "
        "Replace it, or leave out what cannot be decoded with on_error='skip'.",
    ):
        Stimuli.from_folder(tmp_path)[0]


def test_doubled_names(tmp_path: Path) -> None:
    for name in ("cat.png", "cat.jpg"):
        Image.new("RGB", (2, 2)).save(tmp_path / name)
    with said(
        IdError,
        f"{tmp_path} has two pictures of one name: 'cat.jpg' and 'cat.png' (capitals and suffix do not count). "
        "Rename one, or choose with pattern='*.png' or the like.",
    ):
        Stimuli.from_folder(tmp_path)


def test_no_folder(tmp_path: Path) -> None:
    with said(FileError, f"{tmp_path}/x is not there; a folder of pictures was expected."):
        Stimuli.from_folder(tmp_path / "x")


def test_no_pictures(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("")
    with said(InputError, f"{tmp_path} has no pictures: none of its 1 files has the suffix of a picture (.png, .jpg, …)."):
        Stimuli.from_folder(tmp_path)


def test_same_file_twice(tmp_path: Path) -> None:
    Image.new("RGB", (2, 2)).save(tmp_path / "a.png")
    with said(IdError, f"the file {tmp_path}/a.png was given twice."):
        Stimuli.from_files([tmp_path / "a.png"] * 2)


def test_ambiguous_shape() -> None:
    with said(
        ShapeError,
        "pictures of shape (2, 3, 8, 3): the shape fits NHWC and NCHW. Say which axis is which with layout=…, or reorder the axes.",
    ):
        Stimuli.from_arrays(np.zeros((2, 3, 8, 3), np.uint8))


def test_floats_out_of_range() -> None:
    with said(
        InputError,
        "the picture 'cat' has floats from 0 to 2; they must lie in [0, 1]. Scale them, or cast pictures on 0–255 with .astype(np.uint8).",
    ):
        Stimuli.from_arrays(np.array([[[0.0, 2.0, 1.0, 1.0]]]), ids=["cat"])[0]


def test_integers_that_are_no_bytes() -> None:
    with said(
        InputError,
        "pictures must be uint8, or floats in [0, 1]; got int32. If the values lie on 0–255, cast them with .astype(np.uint8).",
    ):
        Stimuli.from_arrays(np.zeros((1, 4, 4, 3), np.int32))


def test_unknown_id() -> None:
    with said(IdError, "1 of 2 ids are not among these 1 stimuli; the first is 'x'."):
        Stimuli.from_texts(["a"]).take(["0", "x"])
