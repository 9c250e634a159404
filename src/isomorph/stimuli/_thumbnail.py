"""A small JPEG of a picture, for reports."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

from isomorph.stimuli._decode import Pixels


def thumbnail(pixels: Pixels, size_pixels: int) -> bytes:
    """The bytes of a JPEG whose longer side has at most `size_pixels` pixels."""
    small = Image.fromarray(pixels)
    small.thumbnail((size_pixels, size_pixels), Image.Resampling.LANCZOS)
    stream = BytesIO()
    small.save(stream, "JPEG", quality=85)
    return stream.getvalue()
