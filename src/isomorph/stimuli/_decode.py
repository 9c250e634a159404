"""One encoded picture to upright uint8 RGB, whatever its mode; a hostile one is refused from its header."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile

from isomorph.errors import FileError

Pixels = npt.NDArray[np.uint8]
Background = tuple[int, int, int]

MAX_PIXELS = 100_000_000
SUFFIXES = frozenset(
    ".png .jpg .jpeg .jpe .jfif .gif .bmp .dib .webp .tif .tiff .ppm .pgm .pbm .pnm .jp2 .j2k .avif".split()  # noqa: SIM905
)
# Raster formats alone: Pillow would hand an .eps file to Ghostscript.
_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "DIB", "WEBP", "TIFF", "PPM", "JPEG2000", "AVIF")
_NOT_THIS_FORMAT = (SyntaxError, IndexError, TypeError, struct.error)
_ORIENTATION = 0x0112
_BITS_PER_SAMPLE = 258
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class UndecodableError(Exception):
    """Why a file cannot be decoded; the caller knows its name."""


def decode(source: Path | bytes, *, background: Background, max_pixels: int) -> Pixels:
    """The picture in a file, or in its bytes, as `[height, width, 3]`: upright, over `background` where transparent, 16 bits scaled to 8.

    Of an animation, the first frame.

    Raises:
        UndecodableError: Not a picture, cut short, over `max_pixels`, or of a mode that has no stated range.
    """
    if ImageFile.LOAD_TRUNCATED_IMAGES:
        raise UndecodableError("PIL.ImageFile.LOAD_TRUNCATED_IMAGES is on, so missing parts would be filled in unnoticed; set it to False")
    try:
        with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as stream:
            image = _open(stream, "" if isinstance(source, bytes) else str(source))
            width, height = image.size
            if width * height > max_pixels:
                raise UndecodableError(
                    f"it would decode to {width:,} × {height:,} = {width * height:,} pixels, over the limit of {max_pixels:,}; "
                    "scale it down, or raise the limit with max_pixels=…"
                )
            image.load()
            upright = _upright(image)
            return np.array(_rgb(upright, image, background), dtype=np.uint8)
    except FileNotFoundError:
        raise UndecodableError("the file is not there") from None
    except (OSError, ValueError, *_NOT_THIS_FORMAT, EOFError, zlib.error, Image.DecompressionBombError, MemoryError) as error:
        raise UndecodableError(" ".join(str(error).split()).rstrip(".") or type(error).__name__) from error


def decode_stimulus(source: Path | bytes, which: str, *, background: Background, max_pixels: int) -> Pixels:
    """As `decode`; `which` is the stimulus' name and place, for the message.

    Raises:
        FileError: It cannot be decoded.
    """
    try:
        return decode(source, background=background, max_pixels=max_pixels)
    except UndecodableError as error:
        raise FileError(
            f"stimulus {which} cannot be decoded: {error}. Replace it, or leave out what cannot be decoded with on_error='skip'."
        ) from error


def _open(stream: Any, path: str) -> Image.Image:
    """Read the header.

    `Image.open` is not used because its size limit is one global number; ours belongs to the stimuli.
    """
    Image.init()
    head = stream.read(64)
    if not head:
        raise UndecodableError("it is empty (0 bytes)")
    for name in _FORMATS:
        factory, accepts = Image.OPEN.get(name, (None, None))
        if factory is None or (accepts is not None and accepts(head[:16]) is not True):
            continue
        stream.seek(0)
        try:
            return factory(stream, path)
        except _NOT_THIS_FORMAT:
            continue
    raise UndecodableError(f"it is not a picture of a known format: it begins with {head[:24]!r}")


def _upright(image: Image.Image) -> Image.Image:
    turn = _UPRIGHT.get(image.getexif().get(_ORIENTATION, 1))
    return image if turn is None else image.transpose(turn)


def _rgb(image: Image.Image, opened: Image.Image, background: Background) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        return _deep_gray(image, opened, background)
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        below = Image.new("RGBA", image.size, (*background, 255))
        return Image.alpha_composite(below, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def _deep_gray(image: Image.Image, opened: Image.Image, background: Background) -> Image.Image:
    bits = _bits(image, opened)
    values = np.asarray(image).astype(np.float64)
    gray = np.rint(values * (255 / (2**bits - 1))).clip(0, 255).astype(np.uint8)
    pixels = np.repeat(gray[..., None], 3, axis=2)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        pixels[values == transparent] = background
    return Image.fromarray(pixels)


def _bits(image: Image.Image, opened: Image.Image) -> int:
    """Bits of a deep grayscale picture; Pillow reads PNG and PPM with more than 8 bits as 0…65535."""
    if opened.format in {"PNG", "PPM", "JPEG2000"}:
        return 16
    bits = getattr(opened, "tag_v2", {}).get(_BITS_PER_SAMPLE, (0,))
    if image.mode.startswith("I;16"):
        return int(bits[0] if isinstance(bits, tuple) else bits) or 16
    raise UndecodableError(f"its pixels are of mode {image.mode!r}, whose range is not stated; save it with 8 or 16 unsigned bits")
