"""What computers do to pictures."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image, ImageEnhance

from isomorph.stimuli._corrupt_sample import gaussian, sampled
from isomorph.stimuli._corrupt_table import Parameters
from isomorph.stimuli._corrupt_values import to_bytes
from isomorph.stimuli._decode import Pixels

_PUBLISHED_SIDE = 224
_ELASTIC_UNIT = 244  # a slip for 224, and part of the definition ever since
_CROP_FROM, _CROP_TO = 335, 256


def contrast(pixels: Pixels, parameters: Parameters, rng: np.random.Generator) -> Pixels:
    """Draw every value towards the mean of its channel."""
    (factor,) = parameters
    values = pixels / 255
    mean = values.mean(axis=(0, 1), keepdims=True)
    return to_bytes((values - mean) * factor + mean)


def brightness(pixels: Pixels, parameters: Parameters, rng: np.random.Generator) -> Pixels:
    """Multiply every value, by Pillow."""
    return np.array(ImageEnhance.Brightness(Image.fromarray(pixels)).enhance(parameters[0]))


def jpeg_compression(pixels: Pixels, parameters: Parameters, rng: np.random.Generator) -> Pixels:
    """Through a JPEG file, by Pillow."""
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=parameters[0])
    return np.array(Image.open(stream))


def pixelate(pixels: Pixels, parameters: Parameters, rng: np.random.Generator) -> Pixels:
    """Shrink and enlarge again, by box filters.

    The shorter side of the small picture has as many pixels as the scale says of 224, or of the picture's own side where that is shorter.
    """
    picture = Image.fromarray(pixels)
    shorter = min(picture.size)
    small = max(1, int(min(shorter, _PUBLISHED_SIDE) * parameters[0]))
    size = [max(1, round(side * small / shorter)) for side in picture.size]
    return np.array(picture.resize((size[0], size[1]), Image.Resampling.BOX).resize(picture.size, Image.Resampling.BOX))


def elastic_transform(pixels: Pixels, parameters: Parameters, rng: np.random.Generator) -> Pixels:
    """Move three points around the centre and the whole picture with them; then displace every pixel by a smooth random field."""
    alpha, sigma, shift = (_ELASTIC_UNIT * each for each in parameters)
    height, width = pixels.shape[:2]
    centre, reach = np.array([width // 2, height // 2]), min(height, width) // 3
    before = centre + reach * np.array([[1, 1], [1, -1], [-1, -1]])
    after = before + rng.uniform(-shift, shift, before.shape)
    # where each pixel comes from: the affine map that takes the moved points back
    back = np.linalg.solve(np.column_stack([after, np.ones(3)]), before)
    x, y = np.arange(width), np.arange(height)[:, None]
    from_x, from_y = (x * each[0] + y * each[1] + each[2] for each in back.T)
    affine = sampled(pixels / np.float32(255), from_x, from_y, edge_twice=False)
    dx, dy = gaussian(rng.uniform(-1, 1, (2, height, width)), sigma, "reflect", truncate=3) * alpha
    return to_bytes(sampled(affine, x + dx, y + dy, edge_twice=True))


def crop(pixels: Pixels, parameters: Parameters, rng: np.random.Generator) -> Pixels:
    """The centre of the picture whose shorter side has 335 pixels, enlarged to 256 × 256; bilinear, by Pillow."""
    (side,) = parameters
    picture = Image.fromarray(pixels)
    scale = _CROP_FROM / min(picture.size)
    width, height = (max(_CROP_FROM, int(each * scale)) for each in picture.size)
    left, top = round((width - side) / 2), round((height - side) / 2)
    whole = picture.resize((width, height), Image.Resampling.BILINEAR)
    return np.array(whole.crop((left, top, left + side, top + side)).resize((_CROP_TO, _CROP_TO), Image.Resampling.BILINEAR))
