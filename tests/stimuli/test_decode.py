"""Every mode that image files come in becomes upright uint8 RGB, and damaged or hostile ones say so."""

import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile

from isomorph.errors import FileError
from isomorph.stimuli import Stimuli


def one(path, **options):
    return Stimuli.from_files([path], **options)[0]


def png_header(width, height):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


RAMP = np.arange(48, dtype=np.uint8).reshape(4, 4, 3) * 5


def test_rgb_png_is_exact(tmp_path):
    Image.fromarray(RAMP).save(tmp_path / "a.png")
    pixels = one(tmp_path / "a.png")
    assert pixels.dtype == np.uint8
    assert np.array_equal(pixels, RAMP)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path, orientation):
    upright = np.zeros((8, 16, 3), np.uint8)
    upright[:4, :8] = (255, 0, 0)
    upright[:4, 8:] = (0, 255, 0)
    stored = {
        1: lambda x: x,
        2: lambda x: x[:, ::-1],
        3: lambda x: x[::-1, ::-1],
        4: lambda x: x[::-1],
        5: lambda x: x.transpose(1, 0, 2),
        6: lambda x: np.rot90(x, 1),
        7: lambda x: x[::-1, ::-1].transpose(1, 0, 2),
        8: lambda x: np.rot90(x, -1),
    }[orientation](upright)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(one(tmp_path / "a.png"), upright)


def test_palette_with_transparency_lies_over_the_background(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putdata([0, 1])
    image.save(tmp_path / "a.png", transparency=0)
    assert one(tmp_path / "a.png").tolist() == [[[255, 255, 255], [0, 0, 255]]]
    assert one(tmp_path / "a.png", background=(1, 2, 3)).tolist() == [[[1, 2, 3], [0, 0, 255]]]


@pytest.mark.parametrize(("mode", "colour", "expected"), [("RGBA", (200, 100, 0, 128), [128, 78, 28]), ("LA", (200, 128), [128] * 3)])
def test_alpha_is_mixed_with_the_background(tmp_path, mode, colour, expected):
    Image.new(mode, (1, 1), colour).save(tmp_path / "a.png")
    pixel = one(tmp_path / "a.png", background=(56, 56, 56))[0, 0]
    assert np.abs(pixel.astype(int) - expected).max() <= 1


def test_gray_and_bilevel(tmp_path):
    Image.fromarray(np.array([[7, 200]], np.uint8)).save(tmp_path / "l.png")
    assert one(tmp_path / "l.png").tolist() == [[[7] * 3, [200] * 3]]
    Image.fromarray(np.array([[False, True]])).save(tmp_path / "b.png")
    assert one(tmp_path / "b.png").tolist() == [[[0] * 3, [255] * 3]]


def test_cmyk_jpeg(tmp_path):
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=100)
    red = one(tmp_path / "a.jpg")[4, 4].astype(int)
    assert red[0] > 240
    assert red[1:].max() < 15


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_are_scaled_not_clipped(tmp_path, suffix):
    values = np.array([[0, 257, 32896, 65535]], np.uint16)
    Image.fromarray(values).save(tmp_path / f"a.{suffix}")
    assert one(tmp_path / f"a.{suffix}")[0, :, 0].tolist() == [0, 1, 128, 255]


def test_floats_have_no_stated_range(tmp_path):
    Image.fromarray(np.ones((2, 2), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(FileError, match="mode 'F', whose range is not stated"):
        one(tmp_path / "a.tif")


def test_first_frame_of_an_animation(tmp_path):
    frames = [Image.new("RGB", (3, 3), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert one(tmp_path / "a.gif")[0, 0].tolist() == [255, 0, 0]


def test_truncated_jpeg(tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(tmp_path / "whole.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:-500])
    with pytest.raises(FileError, match=r"stimulus 'cut.jpg' .*truncated"):
        one(tmp_path / "cut.jpg")


def test_truncation_is_noticed_even_where_pillow_was_told_to_ignore_it(tmp_path, monkeypatch):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.raises(FileError, match="LOAD_TRUNCATED_IMAGES is on"):
        one(tmp_path / "a.png")


def test_a_bomb_is_refused_from_its_header(tmp_path):
    (tmp_path / "bomb.png").write_bytes(png_header(60_000, 60_000))
    began = time.perf_counter()
    with pytest.raises(FileError, match="3,600,000,000 pixels, over the limit of 100,000,000"):
        one(tmp_path / "bomb.png")
    assert time.perf_counter() - began < 1


def test_the_pixel_limit_is_the_callers(tmp_path):
    Image.new("RGB", (20, 20)).save(tmp_path / "a.png")
    assert one(tmp_path / "a.png", max_pixels=400).shape == (20, 20, 3)
    with pytest.raises(FileError, match="400 pixels, over the limit of 399"):
        one(tmp_path / "a.png", max_pixels=399)


def test_every_cut_of_a_png_is_an_error_or_the_picture(tmp_path):
    Image.fromarray(RAMP).save(tmp_path / "whole.png")
    content = (tmp_path / "whole.png").read_bytes()
    for length in range(len(content) - 12):  # the closing chunk alone may be missing
        (tmp_path / "cut.png").write_bytes(content[:length])
        try:
            pixels = one(tmp_path / "cut.png")
        except FileError:
            continue
        assert np.array_equal(pixels, RAMP)
