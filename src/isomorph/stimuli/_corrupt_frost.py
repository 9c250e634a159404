"""Frosted windows, drawn: feathers of ice on a clouded pane."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from isomorph.stimuli._decode import Pixels

_SIDE = 640
# mean and standard deviation of the light of the photographs that ImageNet-C's program chooses among, the density of the feathers,
# their length in pixels, and the tint of shade; of light it is white
_PANES = (
    (131, 18, 350, 40, (0.55, 1.1, 1.2)),
    (206, 22, 900, 60, (0.97, 0.99, 1.04)),
    (206, 22, 700, 90, (0.97, 0.99, 1.04)),
    (152, 29, 1200, 25, (0.9, 1.0, 1.08)),
    (123, 43, 700, 45, (0.88, 1.0, 1.1)),
    (90, 42, 350, 80, (0.75, 1.05, 1.15)),
)
TEXTURES = len(_PANES)


def frost_texture(which: int, height: int, width: int) -> Pixels:
    """Texture `which`, uint8 [at least height, at least width, 3]; enlarged where the picture is larger than it was drawn."""
    texture = _drawn(which)
    if max(height, width) <= _SIDE:
        return texture
    side = max(height, width)
    return np.array(Image.fromarray(texture).resize((side, side), Image.Resampling.BICUBIC))


@lru_cache(maxsize=TEXTURES)
def _drawn(which: int) -> Pixels:
    from isomorph.stimuli._corrupt_weather import plasma

    mean, sd, feathers, length, tint = _PANES[which]
    rng = np.random.Generator(np.random.Philox(key=which))
    clouds, direction = (plasma(1024, decay, rng)[:_SIDE, :_SIDE] for decay in (1.3, 2.0))
    ice = Image.new("L", (2 * _SIDE, 2 * _SIDE))
    pen = ImageDraw.Draw(ice)
    for x, y in rng.uniform(0, _SIDE, (feathers, 2)):
        turn = 4 * np.pi * direction[int(y), int(x)] + rng.normal(0, 0.4)
        _feather(pen, complex(2 * x, 2 * y), turn, 2 * length * rng.lognormal(0, 0.4), rng)
    light = np.asarray(ice.reduce(2), dtype=np.float64) / 255
    light = light * (0.4 + clouds) + 0.8 * clouds
    light = np.clip((light - light.mean()) / light.std(), -2.5, 3)
    gray = np.clip(mean + sd * light, 0, 255)[..., None]
    shade = 1 - gray / 255
    texture: Pixels = np.clip(gray * (1 + shade * (np.array(tint) - 1) * 2), 0, 255).astype(np.uint8)
    return texture


def _feather(pen: ImageDraw.ImageDraw, foot: complex, turn: float, length: float, rng: np.random.Generator) -> None:
    """One crystal: a spine, and barbs on both sides that shorten towards the tip. A point is a complex number, x + iy."""
    light = int(rng.integers(110, 256))
    tip = foot + length * np.exp(1j * turn)
    pen.line([foot.real, foot.imag, tip.real, tip.imag], fill=light, width=3)
    part = np.repeat(np.arange(0.1, 1, 12 / length), 2)
    side = np.resize([-1, 1], part.size)
    roots = foot + part * (tip - foot)
    slant = turn + side * rng.normal(0.8, 0.1, part.size)
    tips = roots + 0.45 * (1 - part) * length * rng.uniform(0.6, 1.1, part.size) * np.exp(1j * slant)
    lights = (light * rng.uniform(0.5, 0.95, part.size)).astype(int).tolist()
    lines = np.column_stack([roots.real, roots.imag, tips.real, tips.imag]).tolist()
    for line, fill in zip(lines, lights, strict=True):
        pen.line(line, fill=fill, width=2)
